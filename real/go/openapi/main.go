// Command openapi prints the OpenAPI v2 document of a server as JSON. It reads it as client-go does, in protobuf.
//
// Usage: openapi <kubeconfig>
package main

import (
	"fmt"
	"os"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: openapi <kubeconfig>")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("read the kubeconfig: %w", err)
	}
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	document, err := client.OpenAPISchema()
	if err != nil {
		return fmt.Errorf("get the document: %w", err)
	}
	text, err := document.YAMLValue("")
	if err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	text, err = yaml.YAMLToJSON(text)
	if err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	_, err = os.Stdout.Write(text)
	return err
}
