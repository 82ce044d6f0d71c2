//! `push`: an image that lies in files.

use deploy_core::error::Result;
use deploy_registry::layout::Layout;
use deploy_registry::{OciRegistry, PushOptions, Pushed};
use serde_json::json;

use super::Desk;
use super::args::PushArgs;
use crate::Done;
use crate::paint::Tone;

pub(crate) async fn push(args: &PushArgs, registry: &OciRegistry, desk: &Desk<'_>) -> Result<Done> {
    let layout = Layout::open(&args.layout).await?;
    let image = layout.image(args.select.as_deref())?;
    desk.progress.tell(Tone::Plain, &format!("pushing {} to {}", args.layout.display(), args.image));
    let options = PushOptions::new().expect_absent(args.no_overwrite);
    Ok(told(&registry.push(&layout, image, &args.image, &options).await?))
}

/// What was pushed, on the last line with its digest.
pub(super) fn told(pushed: &Pushed) -> Done {
    let Pushed { reference, blobs, previous, referrers, .. } = pushed;
    let json = json!({
        "image": reference,
        "digest": reference.digest(),
        "previous": previous,
        "referrers": referrers,
        "blobs": {
            "uploaded": blobs.uploaded,
            "uploadedBytes": blobs.uploaded_bytes,
            "mounted": blobs.mounted,
            "present": blobs.present,
        },
    });
    let mut text = format!(
        "{} blobs sent ({} bytes), {} mounted, {} there already",
        blobs.uploaded, blobs.uploaded_bytes, blobs.mounted, blobs.present
    );
    if *referrers > 0 {
        text += &format!("; {referrers} artifacts that refer to it");
    }
    if let Some(previous) = previous.as_ref().filter(|previous| reference.digest() != Some(*previous)) {
        text += &format!("; the tag stood for {previous} before");
    }
    text += &format!("\n{reference}\n");
    Done::told(json, move |_| text.clone())
}
