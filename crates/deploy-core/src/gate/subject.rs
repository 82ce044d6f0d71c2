//! What gates read of a subject.

use crate::error::{Error, Result};
use crate::guard::{Answer, Subject};
use crate::image::Reference;

/// The images, each once.
///
/// # Errors
/// If there is none, or one is no reference: there is nothing that could be vouched for.
pub(super) fn images(subject: &Subject) -> Result<Vec<Reference>> {
    let mut images: Vec<Reference> = Vec::new();
    for image in &subject.images {
        let image = image.parse()?;
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

/// Each image with what it takes the place of.
///
/// # Errors
/// As for [`images`]; if it is not known of every image.
pub(super) fn changes(subject: &Subject) -> Result<Vec<(Reference, Option<Reference>)>> {
    images(subject)?;
    if subject.before.len() != subject.images.len() {
        return Err(Error::invalid("it is not known what the images take the place of")
            .help("the gate's subject must say what runs, as a promotion's does"));
    }
    let pairs = subject.images.iter().zip(&subject.before);
    pairs
        .map(|(image, before)| {
            Ok((image.parse()?, before.as_ref().map(|before| before.parse()).transpose()?))
        })
        .collect()
}

/// A no for each reason there is, or a yes.
pub(super) fn decided(no: &[String], grounds: impl FnOnce() -> String) -> Answer {
    if no.is_empty() { Answer::Yes { grounds: grounds() } } else { Answer::No { why: no.join("; ") } }
}

/// The tag of an image.
///
/// # Errors
/// If it has none.
pub(super) fn tag_of(image: &Reference) -> Result<&str> {
    image.tag().map(crate::image::Tag::as_str).ok_or_else(|| {
        Error::invalid("it has no tag to go by")
            .on(format!("image {image}"))
            .help("name the tag beside the digest, as in shop/api:v1@sha256:…")
    })
}
