//! Parameters written: each over what was read, and taken back where a later one fails.

use std::time::Duration;

use aws_sdk_ssm::types::{ParameterTier, ParameterType};
use deploy_core::error::{Error, ErrorKind, Result};

use super::ParameterStore;
use super::edits::{Kind, Step, Stored, on};
use super::log::{Standing, standing};
use super::mark::Mark;
use super::store::named;
use crate::aws::{failed, operation as op};

/// How often what stands is put back while others write.
const TRIES: u32 = 8;
/// The longest wait before that is tried again, for each try more.
const WAIT: Duration = Duration::from_millis(50);

/// What became of a write.
enum Written {
    /// It is this version, over the one that was read.
    InTime(u64),
    /// Somebody else wrote meanwhile.
    Late,
}

/// One parameter's new value.
struct Put<'a> {
    name: &'a str,
    value: &'a str,
    kind: Kind,
    key: Option<String>,
    /// The version that it is written over; 0 for none.
    over: u64,
    note: &'a str,
}

impl ParameterStore {
    /// Makes all steps, or takes back those that were made.
    pub(super) async fn write_all(&self, steps: Vec<Step>, note: &str) -> Result<()> {
        let mut made: Vec<(Step, u64)> = Vec::new();
        for step in steps {
            match self.write(&step, note).await {
                Ok(number) => made.push((step, number)),
                Err(error) => {
                    let error = named(error, &step.name);
                    return Err(self.take_back(&made, error).await);
                }
            }
        }
        Ok(())
    }

    /// The version that it became; 0 for a deletion.
    async fn write(&self, step: &Step, note: &str) -> Result<u64> {
        let Some(value) = &step.value else { return self.delete(&step.name).await.map(|()| 0) };
        match self.put_over(&step.name, value, step.was.as_ref(), note).await? {
            Written::InTime(number) => Ok(number),
            Written::Late => {
                self.settle(&step.name).await?;
                Err(Error::new(ErrorKind::Conflict, "somebody else wrote it meanwhile").help("read it again"))
            }
        }
    }

    async fn put_over(&self, name: &str, value: &str, was: Option<&Stored>, note: &str) -> Result<Written> {
        let kind = was.map_or(if self.secure { Kind::Secure } else { Kind::Text }, |was| was.kind);
        let mut key = self.key.clone();
        if kind == Kind::Secure && key.is_none() && was.is_some() {
            // Without a key AWS would take its own for what somebody encrypted with another.
            key = self.log(name).await?.and_then(|log| log.last()?.key.clone());
        }
        let over = was.map_or(0, |was| was.number);
        self.put(Put { name, value, kind, key, over, note }).await
    }

    async fn put(&self, Put { name, value, kind, key, over, note }: Put<'_>) -> Result<Written> {
        let mark = Mark::new(over);
        let kind = match kind {
            Kind::Text => ParameterType::String,
            Kind::List => ParameterType::StringList,
            Kind::Secure => ParameterType::SecureString,
        };
        let request = self
            .aws
            .ssm_once()
            .put_parameter()
            .name(name)
            .value(value)
            .set_key_id(key.filter(|_| kind == ParameterType::SecureString))
            .r#type(kind)
            .set_tier(self.advanced.then_some(ParameterTier::Advanced))
            .description(mark.describe(note))
            .overwrite(over > 0);
        let answer = request.send().await;
        let answer = answer.map_err(|error| failed(error, &op::PUT_PARAMETER, format!("parameter {name}")));
        let number = match answer {
            Ok(answer) => u64::try_from(answer.version()).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(Error::new(ErrorKind::Conflict, "somebody else created it meanwhile")
                    .help("read it again"));
            }
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {
                // It may have been written, and then it is in the history.
                let log = self.log(name).await.ok().flatten().unwrap_or_default();
                log.iter().find(|past| past.is_of(&mark.token)).map(|past| past.number).ok_or(error)?
            }
            Err(error) => return Err(error),
        };
        Ok(if number == over + 1 { Written::InTime(number) } else { Written::Late })
    }

    async fn delete(&self, name: &str) -> Result<()> {
        let answer = self.aws.ssm().delete_parameter().name(name).send().await;
        match answer.map_err(|error| failed(error, &op::DELETE_PARAMETER, format!("parameter {name}"))) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Puts back what stands by the history, until it does.
    async fn settle(&self, name: &str) -> Result<()> {
        for attempt in 0..TRIES {
            if attempt > 0 {
                self.clock.sleep((WAIT * attempt).mul_f64(fastrand::f64())).await;
            }
            let log = self.log(name).await?.unwrap_or_default();
            let Some(newest) = log.last() else { return Ok(()) };
            let past = match standing(&log) {
                Standing::Newest => return Ok(()),
                Standing::Nothing => return self.delete(name).await,
                Standing::Earlier(past) => past,
            };
            // By its name alone, as the type may have changed where it was created anew.
            let Some(Some(now)) = self.read(&[name.to_owned()]).await?.pop() else { continue };
            let (key, over) = (newest.key.clone(), newest.number);
            let note = format!("puts back version {}", past.number);
            let put = Put { name, value: &past.value, kind: now.kind, key, over, note: &note };
            match self.put(put).await {
                Ok(Written::InTime(_)) => return Ok(()),
                Ok(Written::Late) => {}
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::OutcomeUnknown, format!("others wrote it {TRIES} times meanwhile"))
            .help("read it again"))
    }

    /// The error, after what was made is taken back.
    async fn take_back(&self, made: &[(Step, u64)], error: Error) -> Error {
        let mut left = Vec::new();
        for (step, number) in made.iter().rev() {
            if let Err(error) = self.take_one_back(step, *number).await {
                tracing::warn!(parameter = step.name, %error, "it could not be taken back");
                left.push(step.name.as_str());
            }
        }
        if left.is_empty() {
            return error;
        }
        on(
            Error::new(
                ErrorKind::OutcomeUnknown,
                format!("{}; and what was written before could not be taken back", error.message()),
            )
            .help("see their history, and set them again")
            .source(error),
            &left.join(", "),
        )
    }

    async fn take_one_back(&self, step: &Step, number: u64) -> Result<()> {
        let note = "taken back: another edit of the set failed";
        let Some(was) = &step.was else {
            // Nobody may have written over it.
            let now = self.read(std::slice::from_ref(&step.name)).await?.pop().flatten();
            return match now {
                Some(now) if now.number == number => self.delete(&step.name).await,
                _ => Ok(()),
            };
        };
        let over = (number > 0).then(|| Stored { number, ..was.clone() });
        let key = self.log(&step.name).await?.and_then(|log| log.last()?.key.clone());
        let (over, kind) = (over.map_or(0, |over| over.number), was.kind);
        let key = key.or_else(|| self.key.clone());
        match self.put(Put { name: &step.name, value: &was.value, kind, key, over, note }).await {
            Ok(Written::InTime(_)) => Ok(()),
            Ok(Written::Late) => self.settle(&step.name).await,
            // What was deleted is somebody else's by now.
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            Err(error) => Err(error),
        }
    }
}
