//! `wasm-glue <in.wasm> <folder>`: writes the JavaScript side of a wasm-bindgen module into the folder.

use std::env::args;
use wasm_bindgen_cli_support::Bindgen;

fn main() {
    let arguments: Vec<String> = args().skip(1).collect();
    let [input, folder] = arguments.as_slice() else {
        panic!("usage: wasm-glue <in.wasm> <folder>");
    };
    let mut bindgen = Bindgen::new();
    let written = bindgen
        .input_path(input)
        .out_name("core")
        .typescript(true)
        .bundler(true)
        .and_then(|bindgen| bindgen.generate(folder));
    if let Err(error) = written {
        panic!("{error:?}");
    }
}
