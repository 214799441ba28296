//! The scripts as they are sent: without comments and indentation, and with the names that EVALSHA knows them by.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=src/resp/scripts");
    let to = env::var("OUT_DIR")?;
    for name in ["commit", "group"] {
        let mut script = String::new();
        for part in ["common", name] {
            let text = fs::read_to_string(format!("src/resp/scripts/{part}.lua"))?;
            for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("--")) {
                script.push_str(line);
                script.push('\n');
            }
        }
        let sha = sha1_smol::Sha1::from(&script).digest().to_string();
        fs::write(Path::new(&to).join(format!("{name}.lua")), script)?;
        fs::write(Path::new(&to).join(format!("{name}.sha1")), sha)?;
    }
    Ok(())
}
