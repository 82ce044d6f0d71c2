//! Where holds are kept.

use std::fmt;
use std::sync::Arc;

use super::hold::Hold;
use crate::config::{ConfigStore, Edit, Expect, Note, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::image::Repository;

/// The most bytes that are read of a stored list.
const MAX_BYTES: usize = 1024 * 1024;

/// The most holds in it.
const MAX_STORED: usize = 2000;

/// The holds under one key of a [`ConfigStore`], as a JSON list.
///
/// Each change is made on the condition of what was read, so that of two at once one is told: nothing is overwritten.
///
/// ```
/// use deploy_core::memory::MemoryConfigStore;
/// use deploy_core::tag::{Hold, Holds};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let holds = Holds::new(Arc::new(MemoryConfigStore::new()), "production/holds");
/// let api = "shop/api".parse()?;
/// holds.place(Hold::not_past("shop/api".parse()?, "production", "v1.1.0".parse()?).by("ann").because("1.2 loses orders")).await?;
/// assert_eq!(holds.of(&api, "production").await?.len(), 1);
/// assert_eq!(holds.lift(&api, "production", "ann: 1.3 is fixed").await?.len(), 1);
/// assert!(holds.of(&api, "production").await?.is_empty());
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Holds {
    store: Arc<dyn ConfigStore>,
    key: String,
}

impl Holds {
    /// Those under `key`, whose form is the store's. One key for an environment is usual.
    pub fn new(store: Arc<dyn ConfigStore>, key: impl Into<String>) -> Self {
        Self { store, key: key.into() }
    }

    /// All of them, the oldest first.
    ///
    /// # Errors
    /// What the store meets. [`InvalidInput`](ErrorKind::InvalidInput) if what is stored is no list of holds: then nothing may be selected.
    pub async fn all(&self) -> Result<Vec<Hold>> {
        Ok(self.read().await?.0)
    }

    /// Those on `image` in `environment`: what goes into a [`Context`](super::Context).
    ///
    /// # Errors
    /// As for [`Holds::all`].
    pub async fn of(&self, image: &Repository, environment: &str) -> Result<Vec<Hold>> {
        let mut holds = self.all().await?;
        holds.retain(|hold| hold.is_on(image, environment));
        Ok(holds)
    }

    /// Adds a hold; one that keeps back the same is replaced, so placing it again is harmless.
    ///
    /// # Errors
    /// As for [`Holds::all`]. [`Conflict`](ErrorKind::Conflict) if somebody else changed the holds meanwhile: nothing was written.
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) if the store's answer was lost: place it again.
    pub async fn place(&self, hold: Hold) -> Result<()> {
        let (mut holds, version) = self.read().await?;
        let note = Note::new(format!("hold {hold}"));
        holds.retain(|known| !known.is_same(&hold));
        holds.push(hold);
        self.write(&holds, version, note).await
    }

    /// Lifts all holds on `image` in `environment`, and returns them; `why` goes into the store's history.
    ///
    /// # Errors
    /// As for [`Holds::place`].
    pub async fn lift(&self, image: &Repository, environment: &str, why: &str) -> Result<Vec<Hold>> {
        let (holds, version) = self.read().await?;
        let (lifted, kept): (Vec<_>, Vec<_>) =
            holds.into_iter().partition(|hold| hold.is_on(image, environment));
        if !lifted.is_empty() {
            let note = Note::new(format!("lift the holds on {image} in {environment}: {why}"));
            self.write(&kept, version, note).await?;
        }
        Ok(lifted)
    }

    async fn read(&self) -> Result<(Vec<Hold>, Option<Version>)> {
        let Some(entry) = self.store.get(&self.key).await? else { return Ok((Vec::new(), None)) };
        let wrong =
            |what: String| Error::invalid(what).during("read holds").on(format!("key \"{}\"", self.key));
        if entry.value.len() > MAX_BYTES {
            return Err(wrong(format!("{} bytes are stored there, over {MAX_BYTES}", entry.value.len())));
        }
        let holds: Vec<Hold> = serde_json::from_str(&entry.value).map_err(|source| {
            wrong("what is stored there is no list of holds".into())
                .source(source)
                .help("nothing is selected without knowing them: put it right, or remove the key")
        })?;
        if holds.len() > MAX_STORED {
            return Err(wrong(format!("{} holds are stored there, over {MAX_STORED}", holds.len())));
        }
        Ok((holds, Some(entry.version)))
    }

    async fn write(&self, holds: &[Hold], version: Option<Version>, note: Note) -> Result<()> {
        if holds.len() > MAX_STORED {
            let what = format!("there would be {} holds, over {MAX_STORED}", holds.len());
            return Err(Error::invalid(what).during("place hold").help("lift some"));
        }
        let text = serde_json::to_string(holds).map_err(|source| {
            Error::new(ErrorKind::Internal, "holds cannot be written as JSON").source(source)
        })?;
        // What could not be read again would keep everything back for ever.
        if text.len() > MAX_BYTES {
            let what = format!("the holds would be {} bytes, over {MAX_BYTES}", text.len());
            return Err(Error::invalid(what).during("place hold").help("give a shorter reason"));
        }
        let expect = version.map_or(Expect::Absent, Expect::Version);
        let edit = Edit::put(&self.key, text).expecting(expect);
        self.store.set(&[edit], &note).await.map_err(|error| match error.kind() {
            ErrorKind::Conflict => {
                error.help("somebody else changed the holds meanwhile: look at them, and try again")
            }
            _ => error,
        })
    }
}

impl fmt::Debug for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "holds under \"{}\" in {}", self.key, self.store.describe())
    }
}
