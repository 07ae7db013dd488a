package main

import (
	"context"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func config() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return nil, err
	}
	// No limit of our own.
	config.QPS = -1
	return config, nil
}

func scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	return scheme, clientgoscheme.AddToScheme(scheme)
}

// cacheTask caches all Pods: as they are, without managedFields, or only their metadata.
func cacheTask(form string) error {
	config, err := config()
	if err != nil {
		return err
	}
	scheme, err := scheme()
	if err != nil {
		return err
	}
	var pods client.Object = &corev1.Pod{}
	options := cache.Options{Scheme: scheme}
	switch form {
	case "full":
	case "stripped":
		options.DefaultTransform = cache.TransformStripManagedFields()
	case "metadata":
		pods = &metav1.PartialObjectMetadata{}
		pods.GetObjectKind().SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
		options.DefaultTransform = cache.TransformStripManagedFields()
	default:
		return fmt.Errorf("no such form: %q", form)
	}
	pod, err := cache.New(config, options)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _ = pod.Start(ctx) }()
	if _, err = pod.GetInformer(ctx, pods); err != nil {
		return err
	}
	if !pod.WaitForCacheSync(ctx) {
		return fmt.Errorf("the cache did not sync")
	}
	fmt.Println("synced")
	waitForLine()
	return nil
}
