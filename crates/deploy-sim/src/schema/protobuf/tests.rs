use serde_json::json;

use super::*;

/// A field of bytes.
fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    assert!(length < 128);
    [&[number << 3 | 2, length], content].concat()
}

fn number(field: u8, number: u8) -> Vec<u8> {
    vec![field << 3, number]
}

fn body(api_version: &str, kind: &str, message: &[u8]) -> Vec<u8> {
    let of = [bytes(1, api_version.as_bytes()), bytes(2, kind.as_bytes())].concat();
    [MAGIC.to_vec(), bytes(1, &of), bytes(2, message)].concat()
}

fn entry(key: &str, value: &[u8]) -> Vec<u8> {
    [bytes(1, key.as_bytes()), bytes(2, value)].concat()
}

#[test]
fn what_is_read() {
    let metadata =
        bytes(1, &[bytes(1, b"a"), bytes(2, b""), bytes(8, b""), bytes(11, &entry("app", b""))].concat());
    let read_metadata = json!({"name": "a", "labels": {"app": ""}});
    let check = |kind: (&str, &str), more: &[u8], expected: Value| {
        let read = read(&body(kind.0, kind.1, &[&*metadata, more].concat())).unwrap();
        let mut whole = json!({"apiVersion": kind.0, "kind": kind.1, "metadata": read_metadata});
        whole.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
        assert_eq!(read, whole);
    };
    check(("v1", "ConfigMap"), &bytes(2, &entry("k", b"v")), json!({"data": {"k": "v"}}));
    check(("v1", "Secret"), &bytes(2, &entry("k", b"\xff\x00")), json!({"data": {"k": "/wA="}}));
    check(
        ("v1", "Secret"),
        &[bytes(3, b"Opaque"), number(5, 0)].concat(),
        json!({"type": "Opaque", "immutable": false}),
    );
    // Zero where it may be absent counts, elsewhere it is what nobody set.
    check(
        ("apps/v1", "Deployment"),
        &bytes(2, &[number(1, 0), number(5, 0), number(7, 1)].concat()),
        json!({"spec": {"replicas": 0, "paused": true}}),
    );
    // In the volume itself, not in a field of it.
    let volume = bytes(1, &[bytes(1, b"v"), bytes(2, &bytes(2, b""))].concat());
    check(("v1", "Pod"), &bytes(2, &volume), json!({"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}));
    let port = |target: &[u8]| bytes(2, &bytes(1, &[number(3, 80), bytes(4, target)].concat()));
    check(
        ("v1", "Service"),
        &port(&number(2, 90)),
        json!({"spec": {"ports": [{"port": 80, "targetPort": 90}]}}),
    );
    check(
        ("v1", "Service"),
        &port(&[number(1, 1), bytes(3, b"http")].concat()),
        json!({"spec": {"ports": [{"port": 80, "targetPort": "http"}]}}),
    );
    let lease = bytes(2, &bytes(3, &[number(1, 1), vec![2 << 3, 0x80, 0x89, 0x7a]].concat()));
    check(
        ("coordination.k8s.io/v1", "Lease"),
        &lease,
        json!({"spec": {"acquireTime": "1970-01-01T00:00:01.002000Z"}}),
    );
    // Fields of later versions.
    check(("v1", "ConfigMap"), &[number(15, 1), bytes(14, b"x")].concat(), json!({}));
    let options = read(&body("apps/v1", "DeleteOptions", &number(1, 5))).unwrap();
    assert_eq!(options, json!({"apiVersion": "apps/v1", "kind": "DeleteOptions", "gracePeriodSeconds": 5}));
}

#[test]
fn what_is_not_read() {
    let check = |body: &[u8], expected: &Unread| assert_eq!(read(body).as_ref(), Err(expected), "{body:?}");
    check(b"", &Unread::Malformed("provided data does not appear to be a protobuf message"));
    check(b"{}", &Unread::Malformed("provided data does not appear to be a protobuf message"));
    check(MAGIC, &Unread::Unknown);
    check(&body("v1", "Nothing", b""), &Unread::Unknown);
    check(&[MAGIC, &[0x0a, 0x05, 0x00]].concat(), &CUT_OFF);
    check(&[MAGIC, &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]].concat(), &CUT_OFF);
    check(&body("v1", "ConfigMap", &[0x0b]), &Unread::Malformed("it has a field of an illegal wire type"));
    check(
        &body("v1", "ConfigMap", &number(1, 1)),
        &Unread::Malformed("it has a number where a message is wanted"),
    );
    check(
        &body("v1", "ConfigMap", &bytes(1, &bytes(1, b"\xff"))),
        &Unread::Malformed("it has a text that is not UTF-8"),
    );
    check(
        &body("v1", "ConfigMap", &[8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        &Unread::Malformed("it has a number of more than 64 bits"),
    );
}

/// Each type that a field names is there.
#[test]
fn the_table_is_whole() {
    const OWN: [&str; 11] = [
        "bool",
        "int32",
        "int64",
        "string",
        "bytes",
        "quantity",
        "time",
        "micro-time",
        "int-or-string",
        "raw",
        "strings",
    ];
    for (name, fields) in &TABLE.types {
        for field in fields.values() {
            let of = field.of.trim_start_matches(['*', '[', ']', '{', '}']);
            assert!(OWN.contains(&of) || TABLE.types.contains_key(of), "{name} {}: {}", field.name, field.of);
        }
    }
    assert!(TABLE.kinds.values().all(|name| TABLE.types.contains_key(name)));
}
