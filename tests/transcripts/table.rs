//! TRANSCRIPTS.md, made of the scripts.

use std::fmt::Write;
use std::path::Path;

use crate::script::{Script, Step};

const HEAD: &str = "# Transcripts

Commands of the real kubectl and helm, run on a live Kubernetes node and on the embedded cluster: ✓ where exit code, standard output and
standard error are equal but for names, ages, versions and the like. This table is made of `tests/transcripts/scripts`;
`cargo test --workspace --test transcripts -- --ignored` holds it to what both clusters say.

";

fn table(scripts: &[(&str, &str)]) -> String {
    let scripts: Vec<Script> = scripts.iter().map(|(_, text)| Script::parse(text)).collect();
    let compared = |step: &Step| matches!(step, Step::Compare { .. });
    let equal = |step: &Step| matches!(step, Step::Compare { differs: None, .. });
    let count = |which: &dyn Fn(&Step) -> bool| {
        scripts.iter().flat_map(Script::steps).filter(|step| which(step)).count()
    };
    let mut text = format!("{HEAD}{} commands, {} of them equal.\n", count(&compared), count(&equal));
    for script in &scripts {
        let _ = write!(text, "\n## {}\n", script.title);
        for part in &script.parts {
            let _ = write!(text, "\n| {} | |\n| --- | --- |\n", part.title);
            for step in &part.steps {
                if let Step::Compare { command, differs } = step {
                    let _ = writeln!(
                        text,
                        "| `{}` | {} |",
                        command.replace('|', "\\|"),
                        differs.as_deref().unwrap_or("✓")
                    );
                }
            }
        }
    }
    text
}

#[test]
fn the_table_is_that_of_the_scripts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("TRANSCRIPTS.md");
    let table = table(&crate::SCRIPTS);
    if std::fs::read_to_string(&path).unwrap_or_default() != table {
        std::fs::write(&path, table).expect("a file");
        panic!("tests/TRANSCRIPTS.md was not what the scripts say; now it is");
    }
}
