package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"runtime"
	"strings"
)

// image is what the tests run: a busybox with a shell script as its entry point.
type image struct {
	name, tag string
	script    string
}

// A shell is process 1 in these images because process 1 ignores SIGTERM unless it handles it: with the trap a
// pod ends at once instead of after its grace period.
const (
	serve = `trap 'exit 0' TERM; httpd -f -p 8080 -h /www & wait $!`
	idle  = `trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done`
)

var images = []image{
	{"pause", "1", idle},
	{"api", "v1", serve},
	{"api", "v2", serve},
	{"api", "v3", serve},
	{"api", "crash", `echo boom; exit 1`},
	// Endless input without a line end: tail keeps all of it. Only ever run it with a memory limit.
	{"api", "oom", `echo allocating; exec tail /dev/zero`},
	{"worker", "v1", idle},
	{"worker", "v2", idle},
}

// pushImages makes every image from a static busybox and puts it into a registry that speaks plain HTTP.
func pushImages(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: push-images REGISTRY BUSYBOX")
	}
	registry, busybox := args[0], args[1]
	program, err := os.ReadFile(busybox)
	if err != nil {
		return err
	}
	applets, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		return fmt.Errorf("list the applets of %s: %w", busybox, err)
	}
	for _, image := range images {
		layer, err := image.layer(program, strings.Fields(string(applets)))
		if err != nil {
			return fmt.Errorf("make %s:%s: %w", image.name, image.tag, err)
		}
		if err := image.push("http://"+registry, layer); err != nil {
			return fmt.Errorf("push %s:%s: %w", image.name, image.tag, err)
		}
	}
	return nil
}

// layer is the whole file system of the image as an uncompressed tar, the same bytes every time.
func (i image) layer(busybox []byte, applets []string) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	var failed error
	add := func(header tar.Header, content string) {
		header.Size = int64(len(content))
		header.Format = tar.FormatUSTAR
		failed = errors.Join(failed, w.WriteHeader(&header))
		_, err := io.WriteString(w, content)
		failed = errors.Join(failed, err)
	}
	for _, dir := range []string{"bin/", "etc/", "www/"} {
		add(tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}, "")
	}
	add(tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}, "")
	add(tar.Header{Name: "bin/busybox", Mode: 0o755}, string(busybox))
	for _, applet := range applets {
		if applet != "busybox" {
			add(tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + path.Base(applet), Linkname: "busybox", Mode: 0o777}, "")
		}
	}
	add(tar.Header{Name: "etc/passwd", Mode: 0o644}, "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
	add(tar.Header{Name: "etc/group", Mode: 0o644}, "root:x:0:\nnobody:x:65534:\n")
	add(tar.Header{Name: "www/version", Mode: 0o644}, i.tag+"\n")
	add(tar.Header{Name: "www/healthz", Mode: 0o644}, "ok\n")
	return out.Bytes(), errors.Join(failed, w.Close())
}

func (i image) push(registry string, layer []byte) error {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write(layer); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           runtime.GOOS,
		"config": map[string]any{
			"Entrypoint": []string{"/bin/sh", "-c", i.script},
			"Env":        []string{"PATH=/bin"},
			"Labels":     map[string]string{"org.opencontainers.image.version": i.tag},
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{digest(layer)}},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2,
		"mediaType":     manifestType,
		"config":        descriptor("application/vnd.oci.image.config.v1+json", config),
		"layers":        []any{descriptor("application/vnd.oci.image.layer.v1.tar+gzip", packed.Bytes())},
	})
	if err != nil {
		return err
	}
	repository := registry + "/v2/" + i.name
	for _, blob := range [][]byte{packed.Bytes(), config} {
		if err := pushBlob(repository, blob); err != nil {
			return err
		}
	}
	_, err = send(http.MethodPut, repository+"/manifests/"+i.tag, manifestType, manifest)
	return err
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

func descriptor(mediaType string, content []byte) map[string]any {
	return map[string]any{"mediaType": mediaType, "digest": digest(content), "size": len(content)}
}

func digest(content []byte) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256(content))
}

func pushBlob(repository string, content []byte) error {
	started, err := send(http.MethodPost, repository+"/blobs/uploads/", "", nil)
	if err != nil {
		return err
	}
	upload, err := started.Location()
	if err != nil {
		return err
	}
	query := upload.Query()
	query.Set("digest", digest(content))
	upload.RawQuery = query.Encode()
	_, err = send(http.MethodPut, upload.String(), "application/octet-stream", content)
	return err
}

// send expects a 2xx answer and drops its body.
func send(method, target, contentType string, body []byte) (*http.Response, error) {
	request, err := http.NewRequest(method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, target, response.Status, answer)
	}
	return response, err
}

// A registry on loopback is never behind the proxy that the environment may name.
var client = &http.Client{Transport: &http.Transport{Proxy: nil}}
