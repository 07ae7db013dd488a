// Command types prints how the Go structs behind the API read and write JSON: what an OpenAPI document does not tell
// (omitempty, pointers, Go type names) and decode errors and round trips depend on.
//
// Output: {"<OpenAPI type name>": {"<field>": [<Go type>, <omit>, <via>, <number>]}}. omit is "" (always written), "empty"
// (omitempty) or "zero" (omitzero); via names the embedded struct that holds the field, as decode errors do; number is
// the field's number in protobuf, behind that of the embedded struct and a dot where there is one ("" without protobuf).
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	aggregator "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// facts are the fields of one struct by their names on the wire.
type facts map[string][4]string

func main() {
	all := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextensions.AddToScheme, aggregator.AddToScheme} {
		if err := add(all); err != nil {
			fmt.Fprintln(os.Stderr, "register types:", err)
			os.Exit(1)
		}
	}
	out := map[string]facts{}
	for _, t := range all.AllKnownTypes() {
		collect(t, out)
	}
	collect(reflect.TypeOf(metav1.Status{}), out)
	// Maps are written in key order, so the output is reproducible.
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		fmt.Fprintln(os.Stderr, "write:", err)
		os.Exit(1)
	}
}

// none is the prefix of fields that are no part of their struct's message.
const none = "-"

var unmarshaler = reflect.TypeOf((*json.Unmarshaler)(nil)).Elem()

func collect(t reflect.Type, out map[string]facts) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Array {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || strings.HasSuffix(t.PkgPath(), "/internalversion") || strings.HasSuffix(t.PkgPath(), "__internal") {
		return
	}
	name := openAPIName(t)
	if _, done := out[name]; done {
		return
	}
	// Types with their own wire form (Time, Quantity, RawExtension, …) have no fields that a reader could name.
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return
	}
	f := facts{}
	out[name] = f
	fields(t, "", "", f, out)
}

func fields(t reflect.Type, via, prefix string, f facts, out map[string]facts) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" {
			continue
		}
		if field.Anonymous && name == "" {
			inner := field.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			// TypeMeta is no part of the message: its fields have no number here.
			number := none
			if own := protobufNumber(field); own != "" && prefix != none {
				number = prefix + own + "."
			}
			fields(inner, strings.TrimPrefix(via+"."+field.Name, "."), number, f, out)
			continue
		}
		if name == "" {
			name = field.Name
		}
		omit := ""
		for _, option := range strings.Split(options, ",") {
			switch option {
			case "omitempty":
				omit = "empty"
			case "omitzero":
				omit = "zero"
			}
		}
		number := protobufNumber(field)
		if prefix == none {
			number = ""
		} else if number != "" {
			number = prefix + number
		}
		f[name] = [4]string{describe(field.Type), omit, via, number}
		collect(field.Type, out)
	}
}

// protobufNumber reads `protobuf:"bytes,2,opt,name=spec"`.
func protobufNumber(field reflect.StructField) string {
	parts := strings.Split(field.Tag.Get("protobuf"), ",")
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
}

// describe is the Go type as decode errors print it, with the underlying kind of named scalars after an equals sign:
// `v1.Protocol=string`.
func describe(t reflect.Type) string {
	kind := t
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if kind.PkgPath() != "" && kind.Kind() != reflect.Struct && kind.Kind() != reflect.Interface {
		return t.String() + "=" + underlying(kind)
	}
	return t.String()
}

func underlying(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "[]" + t.Elem().String()
	case reflect.Map:
		return "map[" + t.Key().String() + "]" + t.Elem().String()
	default:
		return t.Kind().String()
	}
}

func openAPIName(t reflect.Type) string {
	host, path, _ := strings.Cut(t.PkgPath(), "/")
	parts := strings.Split(host, ".")
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return strings.Join(parts, ".") + "." + strings.ReplaceAll(path, "/", ".") + "." + t.Name()
}
