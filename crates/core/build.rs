//! Writes the scripts as they are sent, without comments and indentation, and the SHA-1 digests by which EVALSHA names them.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

const FOLDER: &str = "src/protocol/scripts";

/// The files that stand before each script, in order.
const SHARED: [&str; 3] = ["common", "delta_message", "publish"];

/// The forms of each script, with the file that has their functions for writing.
const FORMS: [(&str, &str); 2] = [("standard", "redis_writes"), ("reserved", "dragonflydb_writes")];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let out = env::var("OUT_DIR")?;
    let shared = SHARED.into_iter().map(read_stripped).collect::<Result<String, _>>()?;
    for (form, writes) in FORMS {
        let writes = read_stripped(writes)?;
        for name in ["commit", "group", "compare"] {
            let script = shared.clone() + &writes + &read_stripped(name)?;
            let sha = sha1_smol::Sha1::from(&script).digest().to_string();
            fs::write(Path::new(&out).join(format!("{form}_{name}.lua")), script)?;
            fs::write(Path::new(&out).join(format!("{form}_{name}.sha1")), sha)?;
        }
    }
    let writers = read_stripped("writers")?;
    let sha = sha1_smol::Sha1::from(&writers).digest().to_string();
    fs::write(Path::new(&out).join("writers.lua"), writers)?;
    fs::write(Path::new(&out).join("writers.sha1"), sha)?;
    Ok(())
}

/// The lines of a file that are not comments, without indentation.
fn read_stripped(name: &str) -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string(format!("{FOLDER}/{name}.lua"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("--"));
    Ok(lines.flat_map(|line| [line, "\n"]).collect())
}
