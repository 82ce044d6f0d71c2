//! `promote`: an image to another repository or registry.

use deploy_core::error::Result;
use deploy_registry::{OciRegistry, PromoteOptions};

use super::Desk;
use super::args::PromoteArgs;
use super::push::told;
use crate::Done;
use crate::paint::Tone;

pub(crate) async fn promote(args: &PromoteArgs, registry: &OciRegistry, desk: &Desk<'_>) -> Result<Done> {
    desk.progress.tell(Tone::Plain, &format!("copying {} to {}", args.from, args.to));
    let options = PromoteOptions::new().referrers(args.referrers).expect_absent(args.no_overwrite);
    Ok(told(&registry.promote(&args.from, &args.to, &options).await?))
}
