//! Makes a film with captions and two sounds in a folder, and says where it is.

use std::path::PathBuf;

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("a folder"));
    println!("{}", riser_tests::captions::film(&folder, 30).display());
}
