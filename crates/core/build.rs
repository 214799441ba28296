//! Writes the scripts as they are sent, without comments and indentation, and the SHA-1 digests by which EVALSHA names them.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

const FOLDER: &str = "src/protocol/scripts";

/// The files that stand before each script that exists in several forms, in order.
const SHARED: [&str; 3] = ["common", "delta_message", "publish"];

/// The forms of each such script, with the file that has their functions for writing.
const FORMS: [(&str, &str); 2] = [("standard", "redis_writes"), ("reserved", "dragonflydb_writes")];

/// The file that stands before each script that records histories.
const HISTORY: &str = "history_entries";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let shared = SHARED.into_iter().map(read_stripped).collect::<Result<String, _>>()?;
    let history = read_stripped(HISTORY)?;
    for (form, writes) in FORMS {
        let writes = read_stripped(writes)?;
        for (name, functions) in [("commit", history.as_str()), ("group", &history), ("compare", "")] {
            let script = [&shared, &writes, functions, &read_stripped(name)?].concat();
            write_script(&format!("{form}_{name}"), &script)?;
        }
    }
    write_script("writers", &read_stripped("writers")?)?;
    write_script("history", &(history + &read_stripped("history")?))
}

fn write_script(name: &str, script: &str) -> Result<(), Box<dyn Error>> {
    let folder = env::var("OUT_DIR")?;
    let sha = sha1_smol::Sha1::from(script).digest().to_string();
    fs::write(Path::new(&folder).join(format!("{name}.lua")), script)?;
    fs::write(Path::new(&folder).join(format!("{name}.sha1")), sha)?;
    Ok(())
}

/// The lines of a file that are not comments, without indentation.
fn read_stripped(name: &str) -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string(format!("{FOLDER}/{name}.lua"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("--"));
    Ok(lines.flat_map(|line| [line, "\n"]).collect())
}
