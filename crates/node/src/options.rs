//! The options of a session as a JavaScript object.

use napi_derive::napi;
use synced_memory_native as native;

/// The options of a session; engine/engine.ts describes them.
#[napi(object, object_to_js = false)]
pub struct OpenOptions {
    pub url: String,
    pub base: String,
    pub prefix: String,
    #[napi(ts_type = "readonly string[] | undefined")]
    pub names: Option<Vec<String>>,
    pub max_document_bytes: i64,
    #[napi(ts_type = "number | undefined")]
    pub ttl_ms: Option<i64>,
    #[napi(ts_type = "string | undefined")]
    pub label: Option<String>,
    #[napi(ts_type = "string | undefined")]
    pub host: Option<String>,
    #[napi(ts_type = "RecordedHistory | undefined")]
    pub history: Option<RecordedHistory>,
    #[napi(ts_type = "Tls | undefined")]
    pub tls: Option<Tls>,
    #[napi(ts_type = "Journal | undefined")]
    pub journal: Option<Journal>,
}

/// The histories that a session records; engine/engine.ts describes them.
#[napi(object, object_to_js = false)]
pub struct RecordedHistory {
    pub max_entries: u32,
    #[napi(ts_type = "readonly string[] | undefined")]
    pub names: Option<Vec<String>>,
}

/// The journal of a session; engine/engine.ts describes it.
#[napi(object, object_to_js = false)]
pub struct Journal {
    pub url: String,
    pub fsync: bool,
    pub max_bytes: i64,
}

/// The state that a session has restored from its journal; engine/engine.ts describes it.
#[napi(object, object_from_js = false)]
pub struct RestoredState {
    pub mutations: i64,
    pub names: Vec<String>,
}

/// Certificates and keys as PEM text.
#[napi(object, object_to_js = false)]
pub struct Tls {
    pub ca: Option<String>,
    pub cert: Option<String>,
    pub key: Option<String>,
}

impl From<OpenOptions> for native::OpenOptions {
    fn from(options: OpenOptions) -> Self {
        let OpenOptions { url, base, prefix, names, max_document_bytes, ttl_ms, label, host, history, tls, journal } =
            options;
        Self {
            url,
            base,
            prefix,
            names,
            max_document_bytes: usize::try_from(max_document_bytes).unwrap_or(usize::MAX),
            ttl_ms: ttl_ms.map(u64::try_from).and_then(Result::ok),
            label,
            host,
            history: history
                .map(|RecordedHistory { max_entries, names }| native::HistoryOptions { max_entries, names }),
            tls: tls.map(native::TlsOptions::from).unwrap_or_default(),
            journal: journal.map(|Journal { url, fsync, max_bytes }| native::JournalOptions {
                url,
                fsync,
                max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX),
            }),
        }
    }
}

impl From<Tls> for native::TlsOptions {
    fn from(Tls { ca, cert, key }: Tls) -> Self {
        Self { ca, client: cert.zip(key) }
    }
}
