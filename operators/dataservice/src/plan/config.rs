//! What components are told: the contents of their ConfigMaps.

use super::part::Part;

/// The schemas of the database, by the component that uses each.
const SCHEMAS: [(&str, &str); 5] = [
    ("api-manager", "api_manager"),
    ("auth", "auth"),
    ("ds-adapter", "ds_adapter"),
    ("es-adapter", "es_adapter"),
    ("trd-adapter", "trd_adapter"),
];

/// A ConfigMap: what comes after the component's name in its own, its key and their values, and where it is mounted.
pub(crate) struct Config {
    pub(crate) suffix: &'static str,
    pub(crate) data: Vec<(String, String)>,
    pub(crate) mount: Mount,
}

/// Where the files of a ConfigMap go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mount {
    /// As a directory.
    Directory(&'static str),
    /// The only file, at this path.
    File(&'static str),
}

/// What a component builds on.
#[derive(Default)]
pub(crate) struct Surroundings<'a> {
    pub(crate) mysql: Option<&'a Part>,
    pub(crate) uuc: Option<&'a Part>,
    pub(crate) eureka: Option<&'a Part>,
    pub(crate) gateway_web: Option<&'a Part>,
}

/// The ConfigMaps of a component that listens on `port`.
pub(crate) fn of(key: &str, port: u16, around: &Surroundings<'_>) -> Vec<Config> {
    let one = |suffix, file: &str, text, mount| Config { suffix, data: vec![(file.to_string(), text)], mount };
    let application =
        || one("", "application.yml", application(key, port, around), Mount::Directory("/etc/dataservice"));
    match key {
        "mysql" => vec![
            one("", "my.cnf", my_cnf(port), Mount::Directory("/etc/mysql/conf.d")),
            Config { suffix: "-init", data: init(), mount: Mount::Directory("/docker-entrypoint-initdb.d") },
        ],
        "uuc" | "eureka" => Vec::new(),
        "trd-adapter" => {
            let settings =
                one("-py", "settings.py", settings_py(port, around), Mount::Directory("/etc/dataservice-py"));
            vec![application(), settings]
        }
        "web" => vec![
            one("", "default.conf", default_conf(port, around), Mount::File("/etc/nginx/conf.d/default.conf")),
            one("-template", "upstream.conf.template", UPSTREAM.into(), Mount::Directory("/etc/nginx/templates")),
        ],
        _ => vec![application()],
    }
}

/// The address of the database, for a component's schema.
fn database(mysql: &Part, key: &str) -> String {
    let url = mysql.url("mysql");
    let url = url.strip_prefix("jdbc:").unwrap_or(&url).trim_end_matches('/');
    let schema = SCHEMAS.iter().find(|(component, _)| *component == key).map_or("dataservice", |(_, schema)| schema);
    let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    if has_path { format!("jdbc:{url}") } else { format!("jdbc:{url}/{schema}") }
}

/// Configuration of Spring applications. The account comes from the environment, so that no password stands here.
fn application(key: &str, port: u16, around: &Surroundings<'_>) -> String {
    let mut text = format!("server:\n  port: {port}\nspring:\n  application:\n    name: {key}\n");
    if let Some(mysql) = around.mysql {
        text += &format!("  datasource:\n    url: {}\n", quoted(&database(mysql, key)));
        if mysql.credentials.is_some() {
            text += "    username: ${MYSQL_USERNAME}\n    password: ${MYSQL_PASSWORD}\n";
        }
    }
    if let Some(eureka) = around.eureka {
        let zone = format!("{}/eureka/", eureka.url("http").trim_end_matches('/'));
        text += &format!("eureka:\n  client:\n    serviceUrl:\n      defaultZone: {}\n", quoted(&zone));
    }
    if let Some(uuc) = around.uuc {
        text += &format!("uuc:\n  url: {}\n", quoted(&uuc.url("http")));
    }
    text
}

fn settings_py(port: u16, around: &Surroundings<'_>) -> String {
    let mut text = format!("import os\n\nPORT = {port}\n");
    let mut set = |name: &str, url: Option<String>| {
        text += &format!("{name} = {}\n", url.map_or_else(|| "None".into(), |url| quoted(&url)));
    };
    set("DATABASE_URL", around.mysql.map(|mysql| database(mysql, "trd-adapter").replacen("jdbc:", "", 1)));
    set("EUREKA_URL", around.eureka.map(|eureka| eureka.url("http")));
    set("UUC_URL", around.uuc.map(|uuc| uuc.url("http")));
    text + "DATABASE_USERNAME = os.environ.get(\"MYSQL_USERNAME\")\nDATABASE_PASSWORD = os.environ.get(\"MYSQL_PASSWORD\")\n"
}

fn my_cnf(port: u16) -> String {
    format!(
        "[mysqld]\nport = {port}\ncharacter-set-server = utf8mb4\ncollation-server = utf8mb4_general_ci\n\
         max_connections = 1000\nskip-name-resolve\n"
    )
}

/// What MySQL runs at its first start: a schema for each component that has one, and the rights of the account.
fn init() -> Vec<(String, String)> {
    let create = |schema: &str| format!("CREATE DATABASE IF NOT EXISTS {schema} CHARACTER SET utf8mb4;\n");
    let mut scripts: Vec<_> =
        SCHEMAS.iter().map(|(component, schema)| (format!("10-{component}.sql"), create(schema))).collect();
    let grants: String = SCHEMAS
        .iter()
        .map(|(_, schema)| format!("GRANT ALL PRIVILEGES ON {schema}.* TO '${{MYSQL_USER}}'@'%';\n"))
        .collect();
    let script = format!("if [ -n \"${{MYSQL_USER:-}}\" ]; then\ndocker_process_sql <<SQL\n{grants}SQL\nfi\n");
    scripts.push(("20-grants.sh".into(), script));
    scripts
}

fn default_conf(port: u16, around: &Surroundings<'_>) -> String {
    let api = match around.gateway_web {
        Some(_) => {
            "    location /api/ {\n        proxy_pass http://gateway/;\n        proxy_set_header Host $host;\n    }\n"
        }
        None => "",
    };
    format!(
        "server {{\n    listen {port};\n    root /usr/share/nginx/html;\n    location / {{\n        \
         try_files $uri $uri/ /index.html;\n    }}\n{api}}}\n"
    )
}

/// The image of nginx fills in the environment.
const UPSTREAM: &str = "upstream gateway {\n    server ${GATEWAY_HOST}:${GATEWAY_PORT};\n}\n";

/// A string of JSON is one of YAML and of Python too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
