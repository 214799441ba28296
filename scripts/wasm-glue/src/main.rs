//! `wasm-glue <in.wasm> <folder> <name>`: generates the JavaScript glue of a wasm-bindgen module as `<folder>/<name>*`.

use std::env::args;
use wasm_bindgen_cli_support::Bindgen;

fn main() {
    let arguments: Vec<String> = args().skip(1).collect();
    let [input, folder, name] = arguments.as_slice() else {
        panic!("usage: wasm-glue <in.wasm> <folder> <name>");
    };
    let mut bindgen = Bindgen::new();
    let generated = bindgen
        .input_path(input)
        .out_name(name)
        .typescript(true)
        .bundler(true)
        .and_then(|bindgen| bindgen.generate(folder));
    if let Err(error) = generated {
        panic!("{error:?}");
    }
}
