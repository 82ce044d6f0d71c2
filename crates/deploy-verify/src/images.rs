//! A gate's answer for all images of a subject.

use deploy_core::error::{Error, Result};
use deploy_core::guard::{Answer, Subject};
use deploy_core::image::Reference;
use deploy_core::registry::Registry;
use futures_util::{StreamExt, stream};

/// What was found for one image.
pub(crate) type Found<T> = (Reference, Result<T>);

/// Asks for each image of a subject once, at most `at_once` at a time; the findings are in the subject's order.
///
/// # Errors
/// If the subject has no image, or one that is no reference: there is nothing that could be vouched for.
pub(crate) async fn each<T, F: Future<Output = Result<T>>>(
    subject: &Subject,
    at_once: usize,
    ask: impl Fn(Reference) -> F,
) -> Result<Vec<Found<T>>> {
    let asked = images_of(subject)?.into_iter().map(|image| {
        let answer = ask(image.clone());
        async move {
            let answer = answer.await.map_err(|error| error.on(format!("image {image}")));
            (image, answer)
        }
    });
    Ok(stream::iter(asked).buffered(at_once).collect().await)
}

/// One no is a no that names its image; else one error is an error; else it is a yes on the grounds of all.
pub(crate) fn combine(found: Vec<Found<Answer>>) -> Result<Answer> {
    let (mut yes, mut no, mut undecided) = (Vec::new(), Vec::new(), Vec::new());
    for (image, answer) in found {
        match answer {
            Ok(Answer::Yes { grounds }) => yes.push(format!("{image}: {grounds}")),
            Ok(Answer::No { why }) => no.push(format!("{image}: {why}")),
            Ok(_) => undecided.push(Error::invalid("it is neither a yes nor a no").on(image)),
            Err(error) => undecided.push(error),
        }
    }
    if !no.is_empty() {
        no.extend(undecided.iter().map(|error| format!("and not decided: {error}")));
        return Ok(Answer::No { why: no.join("; ") });
    }
    match undecided.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(Answer::Yes { grounds: yes.join("; ") }),
    }
}

/// The image with the digest that it has now.
pub(crate) async fn pinned(registry: &dyn Registry, image: &Reference) -> Result<Reference> {
    if image.digest().is_some() {
        return Ok(image.clone());
    }
    Ok(image.clone().with_digest(registry.resolve(image).await?))
}

fn images_of(subject: &Subject) -> Result<Vec<Reference>> {
    let mut images = Vec::new();
    for image in &subject.images {
        let image: Reference = image.parse()?;
        if !images.contains(&image) {
            images.push(image);
        }
    }
    if images.is_empty() {
        return Err(Error::invalid("the deployment names no image, so there is nothing to look at")
            .help("name its images in the gate's subject, or leave the gate out"));
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::error::ErrorKind;

    /// An image says by its tag what becomes of it.
    async fn ask(images: &[&str]) -> Result<Answer> {
        let mut subject = Subject::new("production");
        subject.images = images.iter().copied().map(str::to_owned).collect();
        let found = each(&subject, 2, |image| async move {
            match image.tag().map_or("", |tag| tag.as_str()) {
                "yes" => Ok(Answer::Yes { grounds: "fine".into() }),
                "no" => Ok(Answer::No { why: "bad".into() }),
                _ => Err(Error::new(ErrorKind::Unavailable, "no answer")),
            }
        });
        combine(found.await?)
    }

    #[tokio::test]
    async fn every_image_must_pass() {
        let check = async |images: &[&str], expect: &str| {
            let text = match ask(images).await {
                Ok(Answer::Yes { grounds }) => format!("yes: {grounds}"),
                Ok(Answer::No { why }) => format!("no: {why}"),
                other => format!("error: {}", other.unwrap_err()),
            };
            assert_eq!(text, expect);
        };
        check(&["a:yes"], "yes: a:yes: fine").await;
        check(&["a:yes", "docker.io/library/a:yes", "b:yes"], "yes: a:yes: fine; b:yes: fine").await;
        check(&["a:yes", "b:no", "c:no"], "no: b:no: bad; c:no: bad").await;
        check(&["a:yes", "b:lost", "c:gone"], "error: image b:lost: no answer").await;
        check(&["a:lost", "b:no"], "no: b:no: bad; and not decided: image a:lost: no answer").await;
        check(
            &[],
            "error: the deployment names no image, so there is nothing to look at \
             (name its images in the gate's subject, or leave the gate out)",
        )
        .await;
        check(
            &["a:yes", "B"],
            "error: invalid image reference \"B\": the repository must be lowercase ('B' at character 1)",
        )
        .await;
    }
}
