// Writes src/schema/builtin.txt: the fields of the built-in types, as the API server's own Go types have them.
//
//	go mod init x && cp generate.go . && go get k8s.io/api@v0.36.2 k8s.io/apiextensions-apiserver@v0.36.2
//	go run generate.go v1.36.2 > builtin.txt
//
// What the lines mean is said in src/schema/table.rs.
package main

import (
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	apps "k8s.io/api/apps/v1"
	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	events "k8s.io/api/events/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	scheduling "k8s.io/api/scheduling/v1"
	storage "k8s.io/api/storage/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var kinds = map[string][]any{
	"v1": {core.Namespace{}, core.Node{}, core.PersistentVolume{}, core.ConfigMap{}, core.Secret{}, core.Service{}, core.ServiceAccount{},
		core.Endpoints{}, core.Event{}, core.Pod{}, core.PodTemplate{}, core.PersistentVolumeClaim{}, core.ResourceQuota{},
		core.LimitRange{}, core.ReplicationController{}, core.Binding{}, meta.DeleteOptions{}},
	"apps/v1":                      {apps.Deployment{}, apps.ReplicaSet{}, apps.StatefulSet{}, apps.DaemonSet{}, apps.ControllerRevision{}},
	"batch/v1":                     {batch.Job{}, batch.CronJob{}},
	"autoscaling/v1":               {autoscalingv1.Scale{}, autoscalingv1.HorizontalPodAutoscaler{}},
	"autoscaling/v2":               {autoscaling.HorizontalPodAutoscaler{}},
	"policy/v1":                    {policy.PodDisruptionBudget{}, policy.Eviction{}},
	"discovery.k8s.io/v1":          {discovery.EndpointSlice{}},
	"networking.k8s.io/v1":         {networking.Ingress{}, networking.IngressClass{}, networking.NetworkPolicy{}},
	"coordination.k8s.io/v1":       {coordination.Lease{}},
	"rbac.authorization.k8s.io/v1": {rbac.Role{}, rbac.RoleBinding{}, rbac.ClusterRole{}, rbac.ClusterRoleBinding{}},
	"storage.k8s.io/v1":            {storage.StorageClass{}},
	"scheduling.k8s.io/v1":         {scheduling.PriorityClass{}},
	"apiextensions.k8s.io/v1":      {apiextensions.CustomResourceDefinition{}},
	"authentication.k8s.io/v1":     {authentication.SelfSubjectReview{}, authentication.TokenRequest{}, authentication.TokenReview{}},
	"authorization.k8s.io/v1": {authorization.LocalSubjectAccessReview{}, authorization.SelfSubjectAccessReview{},
		authorization.SelfSubjectRulesReview{}, authorization.SubjectAccessReview{}},
	"events.k8s.io/v1": {events.Event{}},
}

// Types that read themselves.
var special = map[string]string{
	"resource.Quantity": "quantity", "v1.Time": "time", "v1.MicroTime": "time", "intstr.IntOrString": "int-or-string",
	"runtime.RawExtension": "any", "v1.FieldsV1": "any", "v1.JSON": "any", "v1.JSONSchemaPropsOrBool": "any",
	"v1.JSONSchemaPropsOrArray": "any", "v1.JSONSchemaPropsOrStringArray": "any", "v1.Duration": "string",
}

var types = map[string]string{}

// A type as it is told apart: its package's last two parts and its name.
func id(t reflect.Type) string {
	parts := strings.Split(t.PkgPath(), "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/") + "." + t.Name()
}

func word(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		return word(t.Elem())
	}
	if word, found := special[t.String()]; found {
		return word
	}
	named := ""
	if t.Name() != "" && t.PkgPath() != "" {
		named = "=" + t.String()
	}
	switch t.Kind() {
	case reflect.Struct:
		visit(t)
		return id(t)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + word(t.Elem()) + named
	case reflect.Map:
		return "{}" + word(t.Elem()) + named
	default:
		return t.Kind().String() + named
	}
}

func fields(t reflect.Type, prefix string) []string {
	var found []string
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || !field.IsExported() {
			continue
		}
		if field.Anonymous && (name == "" || strings.Contains(options, "inline")) {
			found = append(found, fields(field.Type, prefix+field.Name+"/")...)
		} else if name != "" {
			found = append(found, prefix+name+":"+word(field.Type)+merge(field.Tag))
		}
	}
	return found
}

// How a strategic merge patch treats a field that it does not treat by its type.
func merge(tag reflect.StructTag) string {
	for _, strategy := range strings.Split(tag.Get("patchStrategy"), ",") {
		switch strategy {
		case "merge":
			return "~" + tag.Get("patchMergeKey")
		case "replace":
			return "!"
		}
	}
	return ""
}

func visit(t reflect.Type) {
	if _, found := types[id(t)]; !found {
		types[id(t)] = ""
		types[id(t)] = strings.Join(fields(t, ""), " ")
	}
}

func main() {
	fmt.Printf("# The fields of the types of Kubernetes %s. Generated by schema/generate.go; the words are explained in src/schema/table.rs.\n", os.Args[1])
	var lines []string
	for version, objects := range kinds {
		for _, object := range objects {
			t := reflect.TypeOf(object)
			visit(t)
			lines = append(lines, fmt.Sprintf("kind %s %s %s", version, t.Name(), id(t)))
		}
	}
	for name, fields := range types {
		lines = append(lines, strings.TrimSpace("type "+name+" "+fields))
	}
	sort.Strings(lines)
	fmt.Println(strings.Join(lines, "\n"))
}
