use std::ops::ControlFlow;

use deploy_core::error::{Error, ErrorKind, Result};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::api::items::Items;

/// What comes out of `body`, cut at `cuts`: the list with its items put back.
fn split(body: &[u8], cuts: &[usize]) -> Result<Value> {
    let mut items = Items::default();
    let mut out: Vec<Value> = Vec::new();
    let mut rest = body;
    for cut in cuts {
        let (piece, after) = rest.split_at((*cut).min(rest.len()));
        rest = after;
        take(&mut items, piece, &mut out)?;
    }
    take(&mut items, rest, &mut out)?;
    let mut list = items.end()?;
    if !list["items"].is_null() {
        list["items"] = out.into();
    }
    Ok(list)
}

fn take(items: &mut Items, piece: &[u8], out: &mut Vec<Value>) -> Result<()> {
    let flow = items.feed(piece, |item| {
        let broken = |error| Error::new(ErrorKind::Internal, "an item is not JSON").source(error);
        out.push(serde_json::from_slice(item).map_err(broken)?);
        Ok(ControlFlow::Continue(()))
    })?;
    assert!(flow.is_continue());
    Ok(())
}

#[test]
fn a_list_comes_out_as_it_is() {
    let lists = [
        r#"{"items":[]}"#,
        r#" { "items" : [ ] } "#,
        r#"{"items":null,"kind":"List"}"#,
        r#"{"kind":"List","metadata":{"continue":"x","items":[1,2]},"items":[{"a":[{"b":"]}\\\""}]},{}],"more":["items"]}"#,
        r#"{"items":[1,"two, ]",null,[[]],{"items":[]}]}"#,
        r#"{"\u0069tems":[{"a":1}]}"#,
        r#"{"a":"items","b":[1],"items":["ü\\",""]}"#,
        r#"{"items":null,"items":[1]}"#,
        "{\"items\"\n:\t[\n{\"a\": 1}\n,\r\n2 ]\n}\n",
    ];
    for list in lists {
        let whole: Value = serde_json::from_str(list).unwrap();
        assert_eq!(split(list.as_bytes(), &[]).unwrap(), whole, "{list}");
        assert_eq!(split(list.as_bytes(), &vec![1; list.len()]).unwrap(), whole, "{list}, byte by byte");
    }
}

#[test]
fn what_is_no_list_is_refused() {
    let check = |body: &str, why: &str| {
        for cuts in [vec![], vec![1; body.len()]] {
            let error = split(body.as_bytes(), &cuts).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal);
            assert!(error.to_string().contains(why), "{body}: {error}");
        }
    };
    check("", "is not a list");
    check("<html>Please log in</html>", "is not a list");
    check("[]", "has no items");
    check(r#"["items",[1]]"#, "has no items");
    check(r#"{"kind":"Status","message":"no"}"#, "has no items");
    check(r#"{"items":{"a":1}}"#, "not one array");
    check(r#"{"items":"[1]"}"#, "not one array");
    check(r#"{"items":[1],"items":[2]}"#, "items twice");
    check(r#"{"items":[1],"items":null}"#, "not one array");
    check(r#"{"items":[1],"items":7}"#, "not one array");
    check(r#"{"items":[1,{"a":"#, "ends within its items");
    check(r#"{"items":[1,"a]}"#, "ends within its items");
    check(r#"{"items":["#, "ends within its items");
    check(r#"{"items":[1]"#, "is not a list");
    check(r#"{"items":[1]}}"#, "closes nothing");
    check(r#"{"items":[}]}"#, "closes nothing");
    check(r#"{"items":[1]} {}"#, "is not a list");
    check(r#"{"items" [1]}"#, "is not a list");
    check(r#"{"items":[,]}"#, "not JSON");
    check(r#"{"items":[1,]}"#, "not JSON");
    check(r#"{"items":[1 2]}"#, "not JSON");
    check(r#"{"items":[{"a":1]]}"#, "not JSON");
}

#[test]
fn sizes_are_bounded() {
    let huge = |size: usize| format!(r#"{{"items":["{}"]}}"#, "x".repeat(size));
    assert!(split(huge((16 << 20) - 2).as_bytes(), &[]).is_ok());
    for cuts in [vec![], vec![1 << 20; 20]] {
        let error = split(huge(16 << 20).as_bytes(), &cuts).unwrap_err();
        assert!(error.to_string().contains("larger than 16 MiB"), "{error}");
    }
    let around = format!(r#"{{"a":"{}","items":[]}}"#, "x".repeat(1 << 20));
    let error = split(around.as_bytes(), &[]).unwrap_err();
    assert!(error.to_string().contains("more than 1 MiB around"), "{error}");
    let deep = format!(r#"{{"items":[{}]}}"#, "[".repeat(100_000));
    assert!(split(deep.as_bytes(), &[]).is_err());
    let deep = format!(r#"{{"items":[{}{}]}}"#, "[".repeat(1000), "]".repeat(1000));
    assert!(split(deep.as_bytes(), &[]).unwrap_err().to_string().contains("not JSON"));
}

#[test]
fn stops_where_it_is_told_to() {
    let mut items = Items::default();
    let mut seen = Vec::new();
    let flow = items.feed(br#"{"items":[1,2,3]}"#, |item| {
        seen.push(item.to_vec());
        Ok(if item == b"2" { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    });
    assert!(flow.unwrap().is_break());
    assert_eq!(seen, [b"1", b"2"]);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-z]{0,4}", 2 => r#"[\\"\[\]{},: ü]{0,6}"#, 1 => Just("items".to_owned())]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn list() -> impl Strategy<Value = Value> {
    let around = prop::collection::btree_map(text(), value(), 0..4);
    (around, prop::collection::vec(value(), 0..6)).prop_map(|(around, items)| {
        let mut list: Map<String, Value> = around.into_iter().collect();
        list.insert("items".to_owned(), items.into());
        Value::Object(list)
    })
}

proptest! {
    #[test]
    fn any_list_in_any_pieces(list in list(), pretty: bool, cuts in prop::collection::vec(0..40_usize, 0..40)) {
        let body = if pretty { serde_json::to_vec_pretty(&list) } else { serde_json::to_vec(&list) }.unwrap();
        prop_assert_eq!(split(&body, &cuts).unwrap(), list);
    }

    /// A list that was damaged is refused, or read as serde_json reads it.
    #[test]
    fn damage_is_never_misread(
        list in list(),
        at: prop::sample::Index,
        with in prop::sample::select(&br#"{}[],:"\ x1"#[..]),
        cut: bool,
        cuts in prop::collection::vec(0..40_usize, 0..40),
    ) {
        let mut body = serde_json::to_vec(&list).unwrap();
        let at = at.index(body.len());
        if cut { body.truncate(at) } else { body[at] = with }
        if let Ok(split) = split(&body, &cuts) {
            prop_assert_eq!(split, serde_json::from_slice::<Value>(&body).unwrap());
        }
    }

    #[test]
    fn anything_at_all_is_no_panic(body: Vec<u8>, cuts in prop::collection::vec(0..40_usize, 0..40)) {
        let body = [&br#"{"items":["#[..], &body].concat();
        if let Ok(split) = split(&body, &cuts) {
            prop_assert_eq!(split, serde_json::from_slice::<Value>(&body).unwrap());
        }
    }
}

#[test]
fn an_item_may_be_anything() {
    let list = json!({"items": [null, "", {}, [], 1.5, -0]});
    assert_eq!(split(list.to_string().as_bytes(), &[]).unwrap(), list);
}
