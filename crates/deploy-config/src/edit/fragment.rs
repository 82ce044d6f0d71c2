//! What is to be put into a text.

use deploy_core::error::{Error, Result};

use super::path::Step;
use super::tree::{Id, Kind, Layout, List, Map, Scalar, Style, Tree};

/// New values.
#[derive(Clone, Debug)]
pub(super) enum Fragment {
    Text(String),
    Map(Vec<(String, Fragment)>),
    List(Vec<Fragment>),
}

impl Fragment {
    /// What must be made so that `steps` lead to `value`.
    pub(super) fn nest(steps: &[Step], value: &str) -> Result<Self> {
        let Some((first, rest)) = steps.split_first() else { return Ok(Self::Text(value.to_owned())) };
        match first {
            Step::Key(name) => Ok(Self::Map(vec![(name.clone(), Self::nest(rest, value)?)])),
            Step::Item { field, value: wanted } => match Self::nest(rest, value)? {
                Self::Map(mut entries) if entries.iter().all(|(name, _)| name != field) => {
                    entries.insert(0, (field.clone(), Self::Text(wanted.clone())));
                    Ok(Self::List(vec![Self::Map(entries)]))
                }
                _ => {
                    Err(Error::invalid(format!("the item {field}={wanted} is not there, and must be a map")))
                }
            },
            Step::Index(index) => Err(Error::invalid(format!(
                "item {index} of a list is not there, and none is added by number"
            ))
            .help("name it by a field, as in [name=api]")),
        }
    }

    /// Adds it to a tree, as it should be read.
    pub(super) fn plant(&self, tree: &mut Tree) -> Id {
        let kind = match self {
            Self::Text(text) => Kind::Scalar(Scalar::new(text, Style::Double)),
            Self::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(name, value)| {
                        let key = tree.add(Kind::Scalar(Scalar::new(name, Style::Double)), 0..0);
                        (key, value.plant(tree))
                    })
                    .collect();
                Kind::Map(Map { entries, layout: Layout::Block })
            }
            Self::List(items) => {
                let items = items.iter().map(|item| item.plant(tree)).collect();
                Kind::List(List { items, layout: Layout::Block })
            }
        };
        tree.add(kind, 0..0)
    }
}
