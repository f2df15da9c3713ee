//! The directory in which files are put: a folder a stream, each file whole or not there.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::error::Error;
use crate::gateway::{Download, Downloader, NoFile};
use crate::hash::hash;
use crate::secret::Secret;

/// Where Airbyte's platform wants files, unless its variable names another place.
const STAGING: &str = "/staging/files";
const STAGING_VARIABLE: &str = "AIRBYTE_STAGING_DIRECTORY";

/// A name has no more characters.
const MAX_NAME: usize = 120;

/// Extensions by what a server says that a file is.
const EXTENSIONS: [(&str, &str); 9] = [
    ("application/pdf", "pdf"),
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("image/heic", "heic"),
    ("image/tiff", "tiff"),
    ("text/plain", "txt"),
    ("application/json", "json"),
];

/// A directory for files.
pub struct FileStore {
    root: PathBuf,
}

impl FileStore {
    /// In a directory that a person names; it is made if it is not there.
    ///
    /// # Errors
    /// A `config_error` if it cannot be.
    pub fn at(root: &Path) -> Result<Self, Error> {
        let unusable = |e: io::Error| {
            Error::config(format!(
                "Files cannot be put into {}: {e}. Name a directory that can be written.",
                root.display()
            ))
        };
        fs::create_dir_all(root).map_err(unusable)?;
        let root = root.canonicalize().map_err(unusable)?;
        Ok(Self { root })
    }

    /// In the directory from which Airbyte's platform takes them.
    ///
    /// # Errors
    /// A `config_error` if there is none.
    pub fn staging() -> Result<Self, Error> {
        let root = std::env::var_os(STAGING_VARIABLE).map_or_else(|| PathBuf::from(STAGING), PathBuf::from);
        if root.is_dir() {
            return Self::at(&root);
        }
        Err(Error::config(format!(
            "Files are to be included, but the directory for them ({}) is not there: Airbyte's platform mounts it where the destination takes files, and says where in {STAGING_VARIABLE}. Leave the files out of the connection, or read by hand with --files DIR.",
            root.display()
        )))
    }

    pub(super) fn absolute(&self, path: &str) -> String {
        self.root.join(path).display().to_string()
    }

    /// Puts the file behind a link there; its path below the directory, and its size.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub(super) async fn fetch(
        &self,
        downloader: &Downloader,
        stream: &str,
        name: &str,
        link: &str,
        token: &Secret,
    ) -> Result<(String, u64), String> {
        let part = PartialFile::create(&self.root.join(stream)).map_err(|e| format!("it cannot be written: {e}"))?;
        let mut download = downloader.download(link)?;
        let kind = loop {
            match part.receive(&mut download, token).await {
                Ok(kind) => break kind,
                Err(why) => download.failed(why).await?,
            }
        };
        let extension = EXTENSIONS.iter().find(|(known, _)| *known == kind).map(|(_, extension)| *extension);
        let extension = extension.map(str::to_owned).or_else(|| extension_of(link)).unwrap_or_else(|| "bin".to_owned());
        let name = format!("{name}.{extension}");
        let bytes = part.finish(&name).map_err(|e| format!("it cannot be written: {e}"))?;
        Ok((format!("{stream}/{name}"), bytes))
    }

    /// Puts a text there in place of a file, if that can be done.
    pub(super) fn note(&self, stream: &str, name: &str, text: &str) -> Option<(String, u64)> {
        let part = PartialFile::create(&self.root.join(stream)).ok()?;
        part.write(text.as_bytes()).ok()?;
        let name = format!("{name}.txt");
        let bytes = part.finish(&name).ok()?;
        Some((format!("{stream}/{name}"), bytes))
    }
}

/// A file that is not whole yet, under a name by which nobody takes it for one. It goes away with this value.
struct PartialFile {
    folder: PathBuf,
    path: PathBuf,
    file: RefCell<File>,
    is_finished: RefCell<bool>,
}

impl PartialFile {
    fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!(".{}.part", Uuid::new_v4()));
        let file = RefCell::new(File::create(&path)?);
        Ok(Self { folder: folder.to_owned(), path, file, is_finished: RefCell::new(false) })
    }

    /// Fills it with a file that comes; what that says its type is.
    async fn receive(&self, download: &mut Download<'_>, token: &Secret) -> Result<String, NoFile> {
        let unwritable = |e| format!("it cannot be written: {e}");
        self.begin().map_err(|e| NoFile::Refused(unwritable(e)))?;
        let mut file = download.attempt(token).await?;
        while let Some(piece) = file.next_piece().await? {
            self.write(piece.as_ref()).map_err(|e| file.unwanted(unwritable(e)))?;
        }
        Ok(file.kind().to_owned())
    }

    /// Empties it.
    fn begin(&self) -> io::Result<()> {
        *self.file.borrow_mut() = File::create(&self.path)?;
        Ok(())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.file.borrow_mut().write_all(bytes)
    }

    /// Gives it its name; how many bytes it has.
    fn finish(&self, name: &str) -> io::Result<u64> {
        let file = self.file.borrow();
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        fs::rename(&self.path, self.folder.join(name))?;
        self.is_finished.replace(true);
        Ok(bytes)
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if !*self.is_finished.borrow() {
            // What cannot be removed has a name by which it is no file of ours.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The name, without its ending, of the file that belongs to a key and comes from a link. Keys that have no name of their own, or not all of
/// it, are told apart by a hash.
pub(super) fn file_name(key: &str, link: &str) -> String {
    let name = safe_name(key);
    if name == key { name } else { format!("{name}-{:016x}", hash(format!("{key} {link}").as_bytes())) }
}

/// A name that leads nowhere, whatever it is made of.
fn safe_name(name: &str) -> String {
    let is_safe = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    let safe: String = name.chars().map(|character| if is_safe(character) { character } else { '_' }).collect();
    let safe = &safe[..safe.len().min(MAX_NAME)];
    if safe.is_empty() { "unnamed".to_owned() } else { safe.to_owned() }
}

/// That of the last part of the link's path.
fn extension_of(link: &str) -> Option<String> {
    let url = url::Url::parse(link).ok()?;
    let last = url.path_segments()?.next_back()?;
    let (_, extension) = last.rsplit_once('.')?;
    let is_one = (1..=5).contains(&extension.len()) && extension.chars().all(|c| c.is_ascii_alphanumeric());
    is_one.then(|| extension.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere() {
        assert_eq!(safe_name("../../etc/passwd"), "______etc_passwd");
        assert_eq!(safe_name("a1-B_2"), "a1-B_2");
        assert_eq!(safe_name(""), "unnamed");
        assert_eq!(safe_name(&"ä".repeat(500)).len(), MAX_NAME);
    }

    #[test]
    fn different_keys_and_links_have_different_names() {
        let names =
            [("", "a"), ("", "b"), ("a/b", "a"), ("a.b", "a"), ("a_b", "a")].map(|(key, link)| file_name(key, link));
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!((distinct.len(), names[4].as_str()), (5, "a_b"));
    }

    #[test]
    fn an_extension_is_what_it_looks_like() {
        let of = |link: &str| extension_of(link).unwrap_or_default();
        assert_eq!(of("https://a.example/b/c.PDF?x=1.png"), "pdf");
        assert_eq!(
            (of("https://a.example/b"), of("https://a.example/b.not-one"), of("no link")),
            (String::new(), String::new(), String::new())
        );
    }

    #[test]
    fn what_is_not_finished_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        drop(PartialFile::create(folder.path()).unwrap());
        let part = PartialFile::create(folder.path()).unwrap();
        part.write(b"half").unwrap();
        part.begin().unwrap();
        part.write(b"whole").unwrap();
        assert_eq!(part.finish("a.txt").unwrap(), 5);
        drop(part);
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["a.txt"]);
        assert_eq!(fs::read(folder.path().join("a.txt")).unwrap(), b"whole");
    }
}
