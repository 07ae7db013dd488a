// Package v1 has the kinds of the project.
// +kubebuilder:object:generate=true
// +groupName=bench.example.com
package v1

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/scheme"
)

var (
	// GroupVersion is the group and version of the kinds.
	GroupVersion = schema.GroupVersion{Group: "bench.example.com", Version: "v1"}

	// SchemeBuilder collects the kinds.
	SchemeBuilder = &scheme.Builder{GroupVersion: GroupVersion}

	// AddToScheme adds them to a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)
