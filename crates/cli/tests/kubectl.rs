//! A stock kubectl against `kubewright up`: what a user does by hand, with what kubectl prints.
//!
//! Part of the real tier (`KUBEWRIGHT_REAL=1`, which `cargo xtask real` sets), since it needs kubectl on PATH.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use support::{Scratch, Up, stderr, stdout};

fn is_real_tier() -> bool {
    let real = std::env::var("KUBEWRIGHT_REAL").is_ok_and(|value| value == "1");
    if !real {
        println!("not run: part of the real tier, cargo xtask real");
    }
    real
}

struct Kubectl<'a> {
    up: &'a Up,
    scratch: &'a Scratch,
}

impl Kubectl<'_> {
    /// Runs it; `input` is its standard input.
    fn run(&self, args: &str, input: &str) -> Output {
        let mut command = Command::new("kubectl");
        command
            .env("KUBECONFIG", &self.up.kubeconfig)
            .env("HOME", self.scratch.path("home"))
            .args(args.split_whitespace());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl is on PATH: the real tier needs it");
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Runs it, expects success, returns what it printed.
    fn ok(&self, args: &str) -> String {
        self.ok_with(args, "")
    }

    fn ok_with(&self, args: &str, input: &str) -> String {
        let output = self.run(args, input);
        assert!(output.status.success(), "kubectl {args}: {}{}", stdout(&output), stderr(&output));
        stdout(&output)
    }

    fn fails(&self, args: &str, input: &str) -> String {
        let output = self.run(args, input);
        assert!(!output.status.success(), "kubectl {args}: {}", stdout(&output));
        stderr(&output)
    }
}

const SERVICE: &str = r#"
apiVersion: v1
kind: Service
metadata:
  name: bar-service
  namespace: default
  annotations:
    ingress/http: "true"
spec:
  selector: {app: bar}
  ports: [{port: 8080}]
"#;

const WIDGETS: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  names: {kind: Widget, plural: widgets, singular: widget, shortNames: [wd]}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [size]
              properties:
                size: {type: integer, minimum: 1, maximum: 10}
                colour: {type: string, default: blue}
"#;

#[test]
fn the_seeds_service_gets_its_ingress_and_loses_it_again() {
    if !is_real_tier() {
        return;
    }
    let scratch = Scratch::new();
    let up = Up::start(&scratch, &["--no-examples"]);
    let kubectl = Kubectl { up: &up, scratch: &scratch };

    assert_eq!(kubectl.ok_with("apply -f -", SERVICE), "service/bar-service created\n");
    kubectl.ok("wait --for=create ingress/bar-service --timeout=30s");
    let port = "get ingress bar-service -o jsonpath={.spec.rules[0].http.paths[0].backend.service.port.number}";
    assert_eq!(kubectl.ok(port), "8080");
    assert_eq!(kubectl.ok_with("apply -f -", SERVICE), "service/bar-service unchanged\n");

    assert_eq!(kubectl.ok("annotate service bar-service ingress/http-"), "service/bar-service annotated\n");
    kubectl.ok("wait --for=delete ingress/bar-service --timeout=30s");
    kubectl.ok("annotate service bar-service ingress/http=true");
    kubectl.ok("wait --for=create ingress/bar-service --timeout=30s");

    let uid = kubectl.ok("get ingress bar-service -o jsonpath={.metadata.uid}");
    assert!(kubectl.ok("delete ingress bar-service --wait=false").contains("deleted"));
    kubectl.ok("wait --for=create ingress/bar-service --timeout=30s");
    let again = (0..200).any(|_| {
        let now = kubectl.run("get ingress bar-service -o jsonpath={.metadata.uid}", "");
        now.status.success() && stdout(&now) != uid
    });
    assert!(again, "the Ingress came back as a new one");

    kubectl.ok("delete service bar-service");
    kubectl.ok("wait --for=delete ingress/bar-service --timeout=30s");
    assert_eq!(up.interrupt(), Some(0));
}

const GRANT: &str = r#"
apiVersion: user.sealos.io/v1
kind: Operationrequest
metadata:
  name: grant-manager-role
  namespace: user-system
spec:
  user: alice
  namespace: ns-alice
  role: Manager
  action: Grant
"#;

// A-69
#[test]
fn access_is_given_and_refused_on_request() {
    if !is_real_tier() {
        return;
    }
    let scratch = Scratch::new();
    let up = Up::start(&scratch, &["--operators", "access"]);
    let kubectl = Kubectl { up: &up, scratch: &scratch };
    kubectl.ok("wait --for=condition=Ready user/alice user/bob --timeout=60s");
    // The example: alice's namespace, managed by bob.
    kubectl.ok(
        "wait -n user-system --for=jsonpath={.status.phase}=Completed operationrequest/let-bob-manage --timeout=60s",
    );
    assert_eq!(kubectl.ok("auth can-i create pods -n ns-alice --as bob"), "yes\n");
    // The seed's request, as it is.
    assert!(kubectl.ok_with("apply -f -", GRANT).contains("grant-manager-role created"));
    kubectl.ok("wait -n user-system --for=jsonpath={.status.phase}=Completed operationrequest/grant-manager-role --timeout=60s");
    assert_eq!(kubectl.ok("get rolebinding -n ns-alice alice-Manager -o jsonpath={.roleRef.name}"), "Manager");
    assert!(kubectl.ok("get operationrequests -n user-system").starts_with("NAME "));

    // bob can't make himself the owner, the owner can.
    let owner = GRANT.replace("grant-manager-role", "make-owner").replace("user: alice", "user: bob");
    let owner = owner.replace("role: Manager", "role: Owner");
    let refused = kubectl.fails("create --as bob -f -", &owner);
    assert!(refused.contains("nobody gives or takes more than they have"), "{refused}");
    kubectl.ok_with("create --as alice -f -", &owner);
    kubectl
        .ok("wait -n user-system --for=jsonpath={.status.phase}=Completed operationrequest/make-owner --timeout=60s");
    assert_eq!(kubectl.ok("get operationrequest -n user-system make-owner -o jsonpath={.status.requester}"), "alice");
    assert_eq!(kubectl.ok("auth can-i create rolebindings -n ns-alice --as bob"), "yes\n");
    let patched = kubectl
        .fails("patch operationrequest -n user-system make-owner --type merge -p {\"spec\":{\"user\":\"eve\"}}", "");
    assert!(patched.contains("a request can't be changed once it exists"), "{patched}");

    // With a kubeconfig of her own alice sees her namespace, and no other.
    kubectl.ok("patch user alice --type merge -p {\"spec\":{\"kubeconfig\":{}}}");
    kubectl.ok("wait --for=condition=KubeconfigReady user/alice --timeout=60s");
    let config =
        kubectl.ok("get secret -n user-system alice-kubeconfig -o go-template={{.data.kubeconfig|base64decode}}");
    let path = scratch.path("alice.kubeconfig");
    std::fs::write(&path, config).unwrap();
    let alice = format!("--kubeconfig {}", path.display());
    assert!(kubectl.ok(&format!("{alice} get rolebindings")).contains("alice-Owner"));
    assert!(kubectl.fails(&format!("{alice} get pods -n ns-bob"), "").contains("Forbidden"));

    // Finished requests go when they are swept, or with the CronJob that does so.
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubewright"));
    let command = command.env("KUBECONFIG", &up.kubeconfig).args(["access", "sweep", "--older-than", "0"]);
    let swept = command.output().unwrap();
    assert_eq!(stdout(&swept).lines().last(), Some("3 deleted, 0 kept"), "{}", stderr(&swept));
    let job = Command::new(env!("CARGO_BIN_EXE_kubewright")).args(["access", "cron-job"]).output().unwrap();
    assert!(kubectl.ok_with("apply -f -", &stdout(&job)).contains("cronjob.batch/access-sweep created"));
    assert_eq!(up.interrupt(), Some(0));
}

#[test]
fn the_usual_commands_work_as_against_any_cluster() {
    if !is_real_tier() {
        return;
    }
    let scratch = Scratch::new();
    let up = Up::start(&scratch, &["--operators", "none", "--no-examples"]);
    let kubectl = Kubectl { up: &up, scratch: &scratch };

    assert!(kubectl.ok("version").contains("Server Version: v1.36"));
    let resources = kubectl.ok("api-resources");
    for row in ["configmaps", "deployments", "ingresses", "customresourcedefinitions"] {
        assert!(resources.contains(row), "{row} is missing in:\n{resources}");
    }
    assert!(kubectl.ok("api-versions").contains("networking.k8s.io/v1"));
    assert_eq!(kubectl.ok("auth can-i create deployments"), "yes\n");
    assert!(kubectl.ok("auth whoami").contains("system:masters"));
    let explained = kubectl.ok("explain service.spec.ports");
    assert!(explained.contains("targetPort") && explained.contains("<integer> -required-"), "{explained}");

    assert!(kubectl.ok("get namespaces").contains("kube-system"));
    assert!(kubectl.ok("get services").contains("kubernetes"));
    kubectl.ok_with("apply -f -", SERVICE);
    let described = kubectl.ok("describe service bar-service");
    assert!(described.contains("8080/TCP") && described.contains("app=bar"), "{described}");

    kubectl.ok("create configmap settings --from-literal=a=1");
    assert_eq!(kubectl.ok("get configmap settings -o jsonpath={.data.a}"), "1");
    let map = |value: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{a: {value:?}}}\n")
    };
    let diff = kubectl.run("diff --server-side --force-conflicts -f -", &map("2"));
    assert_eq!(diff.status.code(), Some(1), "{}", stderr(&diff));
    assert!(stdout(&diff).contains("+  a: \"2\""), "{}", stdout(&diff));
    let conflict = kubectl.fails("apply --server-side -f -", &map("2"));
    assert!(conflict.contains("conflict with \"kubectl-create\"") && conflict.contains(".data.a"), "{conflict}");
    let applied = kubectl.ok_with("apply --server-side --force-conflicts -f -", &map("2"));
    assert_eq!(applied, "configmap/settings serverside-applied\n");
    kubectl.ok("label configmap settings tier=front");
    assert_eq!(kubectl.ok("get configmap -l tier=front -o name"), "configmap/settings\n");
    kubectl.ok_with(
        "patch configmap settings --type=json -p [{\"op\":\"replace\",\"path\":\"/data/a\",\"value\":\"3\"}]",
        "",
    );

    let editor = scratch.path("editor");
    std::fs::write(&editor, "#!/bin/sh\nsed -i 's/a: \"3\"/a: \"4\"/' \"$1\"\n").unwrap();
    std::fs::set_permissions(&editor, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut edit = Command::new("kubectl");
    edit.args(["edit", "configmap", "settings"]).env("KUBECONFIG", &up.kubeconfig).env("KUBE_EDITOR", &editor);
    assert!(edit.output().unwrap().status.success());
    assert_eq!(kubectl.ok("get configmap settings -o jsonpath={.data.a}"), "4");

    kubectl.ok("create deployment web --image=nginx");
    kubectl.ok("scale deployment web --replicas=3");
    assert!(kubectl.ok("get deployment web").contains("0/3"));
    kubectl.ok("set image deployment/web nginx=nginx:2");
    assert_eq!(kubectl.ok("get deployment web -o jsonpath={.metadata.generation}"), "3");

    kubectl.ok("create namespace team");
    kubectl.ok("create configmap inside --namespace team");
    kubectl.ok("delete namespace team --timeout=30s");
    assert!(kubectl.fails("get namespace team", "").contains("namespaces \"team\" not found"));

    assert_eq!(
        kubectl.ok("delete configmap settings"),
        "configmap \"settings\" deleted from default namespace\n".replace(" from default namespace", suffix(&kubectl))
    );
    assert_eq!(up.interrupt(), Some(0));
}

/// Newer versions of kubectl name the namespace of what they deleted.
fn suffix(kubectl: &Kubectl<'_>) -> &'static str {
    kubectl.ok("create configmap probe");
    if kubectl.ok("delete configmap probe").contains("from default namespace") { " from default namespace" } else { "" }
}

#[test]
fn custom_resources_are_served_checked_defaulted_and_printed() {
    if !is_real_tier() {
        return;
    }
    let scratch = Scratch::new();
    let up = Up::start(&scratch, &["--operators", "none", "--no-examples"]);
    let kubectl = Kubectl { up: &up, scratch: &scratch };
    kubectl.ok_with("apply -f -", WIDGETS);
    kubectl.ok("wait --for=condition=Established crd/widgets.example.com --timeout=30s");
    let widget =
        |spec: &str| format!("apiVersion: example.com/v1\nkind: Widget\nmetadata: {{name: w}}\nspec: {spec}\n");
    let refused = kubectl.fails("apply -f -", &widget("{size: 11}"));
    assert!(
        refused.contains("spec.size: Invalid value: 11") && refused.contains("less than or equal to 10"),
        "{refused}"
    );
    let unknown = kubectl.fails("apply -f -", &widget("{size: 1, sise: 2}"));
    assert!(unknown.contains("unknown field \"spec.sise\""), "{unknown}");
    assert_eq!(kubectl.ok_with("apply -f -", &widget("{size: 3}")), "widget.example.com/w created\n");
    assert_eq!(kubectl.ok("get wd w -o jsonpath={.spec.colour}"), "blue");
    assert!(kubectl.ok("get widgets").starts_with("NAME   SIZE\nw      3"), "{}", kubectl.ok("get widgets"));
    assert!(kubectl.ok("explain widget.spec").contains("colour"));
    kubectl.ok("delete crd widgets.example.com --timeout=30s");
    let gone = kubectl.fails("get widgets", "");
    // What kubectl says depends on whether it still has the kind in its own discovery cache.
    let texts = ["doesn't have a resource type \"widgets\"", "could not find the requested resource"];
    assert!(texts.iter().any(|text| gone.contains(text)), "{gone}");
    assert_eq!(up.interrupt(), Some(0));
}
