//! Content negotiation: in which form an answer is wanted, and in which form a body comes.

use http::HeaderMap;

use crate::status::{ApiError, ApiResult};

/// What the real server lists as its media types; shown in its refusals.
const OFFERED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// What the router in front of the built-in kinds takes, which knows no ranges but the widest.
const LITERAL: [&str; 4] = ["application/json", "application/yaml", PROTOBUF, "*/*"];

fn is_json_or_yaml(media_type: &str) -> bool {
    matches!(media_type, "application/json" | "application/yaml" | "application/*" | "*/*")
}

/// The shape of the objects in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Shape {
    /// The objects themselves.
    #[default]
    Whole,
    /// `as=Table`
    Table,
    /// `as=PartialObjectMetadata` or `as=PartialObjectMetadataList`
    Metadata,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Accept {
    /// Shape of the objects.
    pub shape: Shape,
    /// `PartialObjectMetadataList` is asked for, so not an object alone.
    pub metadata_list: bool,
    /// Version of `meta.k8s.io` for tables and metadata: true for v1beta1.
    pub meta_beta: bool,
    /// YAML instead of JSON.
    pub yaml: bool,
    /// Protobuf instead of JSON.
    pub protobuf: bool,
}

/// What there is to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Offer {
    /// Tables, and metadata alone.
    pub shapes: bool,
    /// Events.
    pub stream: bool,
    /// Whole objects in protobuf. Metadata always has that form, tables never.
    pub protobuf: bool,
    /// There is no router in front that looks at the header first: of custom resources.
    pub custom: bool,
}

/// One clause of an `Accept` header.
pub(crate) struct Clause<'a> {
    /// `application/json`
    pub media_type: &'a str,
    /// The parameters but `q`.
    pub parameters: Vec<(&'a str, &'a str)>,
    quality: f32,
}

/// Go sorts lists up to this length by insertion.
const SORTED_AS_GO_DOES: usize = 12;

impl<'a> Clause<'a> {
    /// A weight comes before a lower one, and what is named before a wild card whatever their weights.
    fn is_before(&self, other: &Self) -> bool {
        let wild = |clause: &Self| {
            let (kind, form) = clause.media_type.split_once('/').unwrap_or((clause.media_type, clause.media_type));
            (kind == "*", form == "*")
        };
        let (own, others) = (wild(self), wild(other));
        self.quality > other.quality || !own.0 && others.0 || !own.1 && others.1
    }

    /// A parameter, the last of several, or the empty string.
    pub(crate) fn parameter(&self, name: &str) -> &'a str {
        self.parameters.iter().rev().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }
}

/// The clauses of an `Accept` header, most wanted first.
pub(crate) fn clauses(header: &str) -> Vec<Clause<'_>> {
    let mut out: Vec<Clause<'_>> = header
        .split(',')
        .filter_map(|clause| {
            let mut parts = clause.split(';').map(str::trim);
            let media_type = parts.next().filter(|media_type| !media_type.is_empty())?;
            let mut clause = Clause { media_type, parameters: Vec::new(), quality: 1.0 };
            for (key, value) in parts.filter_map(|part| part.split_once('=')) {
                let (key, value) = (key.trim(), value.trim());
                match key {
                    "q" => clause.quality = value.parse().unwrap_or(0.0),
                    _ => clause.parameters.push((key, value)),
                }
            }
            Some(clause)
        })
        .collect();
    if out.len() > SORTED_AS_GO_DOES {
        out.sort_by(|a, b| b.quality.total_cmp(&a.quality));
        return out;
    }
    // In the real server's order a clause may come before another that comes before it; how Go sorts short lists decides.
    for end in 1..out.len() {
        let mut at = end;
        while at > 0 && out[at].is_before(&out[at - 1]) {
            out.swap(at, at - 1);
            at -= 1;
        }
    }
    out
}

impl Accept {
    /// Chooses the form of an answer.
    pub(crate) fn negotiate(headers: &HeaderMap, offer: Offer) -> ApiResult<Self> {
        let header = headers.get(http::header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if header.is_empty() {
            return Ok(Self::default());
        }
        let clauses = clauses(header);
        if !offer.custom && !clauses.iter().any(|clause| LITERAL.contains(&clause.media_type)) {
            let streams = if offer.stream {
                ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
            } else {
                ""
            };
            return Err(ApiError::not_routed(&format!("{OFFERED}{streams}")));
        }
        for clause in &clauses {
            let packed = clause.media_type == PROTOBUF;
            if !packed && !is_json_or_yaml(clause.media_type) {
                continue;
            }
            let yaml = clause.media_type == "application/yaml";
            let (kind, group, version) = (clause.parameter("as"), clause.parameter("g"), clause.parameter("v"));
            let shape = match kind {
                "" if group.is_empty() && version.is_empty() && (offer.protobuf || !packed) => Shape::Whole,
                "Table" if offer.shapes && !packed => Shape::Table,
                "PartialObjectMetadata" | "PartialObjectMetadataList" if offer.shapes => Shape::Metadata,
                _ => continue,
            };
            if shape != Shape::Whole && (group != "meta.k8s.io" || !matches!(version, "v1" | "v1beta1")) {
                continue;
            }
            let metadata_list = kind == "PartialObjectMetadataList";
            return Ok(Self { shape, metadata_list, meta_beta: version == "v1beta1", yaml, protobuf: packed });
        }
        Err(ApiError::not_acceptable(OFFERED))
    }

    /// Refuses metadata of a list where an object is answered, and the other way round. `go_type` is what the real server
    /// calls what it has.
    pub(crate) fn check_metadata(self, list: bool, go_type: &str) -> ApiResult<()> {
        if self.shape != Shape::Metadata || self.metadata_list == list {
            return Ok(());
        }
        // Custom resources are taken for lists without a look.
        if !list && go_type.starts_with("unstructured.") {
            return Err(ApiError::new(500, "", "content is not a list"));
        }
        let (asked, is) = match list {
            true => ("PartialObjectMetadata", "is a list"),
            false => ("PartialObjectMetadataList", "is not a list"),
        };
        let why = format!("you requested {asked}, but the requested object {is} (*{go_type})");
        Err(ApiError::new(406, "NotAcceptable", why))
    }

    /// `meta.k8s.io/v1`, or v1beta1 when asked for it.
    pub(crate) fn meta_version(self) -> &'static str {
        if self.meta_beta { "meta.k8s.io/v1beta1" } else { "meta.k8s.io/v1" }
    }
}

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyFormat {
    /// `application/json`, or no type at all.
    Json,
    /// `application/yaml`
    Yaml,
    /// `application/vnd.kubernetes.protobuf`
    Protobuf,
}

impl BodyFormat {
    /// Reads the `Content-Type` of a create, update or delete. Custom resources have no protobuf, although the refusal
    /// names it.
    pub(crate) fn of(headers: &HeaderMap, protobuf: bool) -> ApiResult<Self> {
        match body_type(headers).as_deref() {
            Some("" | "application/json") => Ok(Self::Json),
            Some("application/yaml") => Ok(Self::Yaml),
            Some(PROTOBUF) if protobuf => Ok(Self::Protobuf),
            _ => Err(ApiError::unsupported_media_type(format!(
                "the body of the request was in an unknown format - accepted media types include: {OFFERED}"
            ))),
        }
    }
}

/// The media type of a body as Go reads it, in lower case and without parameters; none if they are malformed.
fn body_type(headers: &HeaderMap) -> Option<String> {
    let header = headers.get(http::header::CONTENT_TYPE).map_or(Some(""), |value| value.to_str().ok())?;
    let mut parts = header.split(';').map(str::trim).peekable();
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    while let Some(parameter) = parts.next() {
        // One semicolon at the end is overlooked.
        let empty = parameter.is_empty() && parts.peek().is_none();
        let well_formed =
            parameter.split_once('=').is_some_and(|(key, value)| !key.trim().is_empty() && !value.is_empty());
        if !empty && !well_formed {
            return None;
        }
    }
    Some(media_type)
}

/// The media type of a patch, without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let header = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    header.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(header: &'static str) -> ApiResult<Accept> {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::ACCEPT, http::HeaderValue::from_static(header));
        Accept::negotiate(&headers, Offer { shapes: true, ..Offer::default() })
    }

    #[test]
    fn the_first_form_that_is_served_is_chosen() {
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,\
                       application/json";
        assert_eq!(accept(kubectl).unwrap().shape, Shape::Table);
        assert_eq!(accept("application/vnd.kubernetes.protobuf,application/json").unwrap(), Accept::default());
        assert!(accept("application/json;q=0.1,application/yaml").unwrap().yaml);
        assert!(!accept("application/json;q=0.1,application/yaml;q=x").unwrap().yaml);
        assert_eq!(
            accept("application/json;as=Table;as=PartialObjectMetadata;g=meta.k8s.io;v=v1").unwrap().shape,
            Shape::Metadata
        );
        assert_eq!(accept("*/*").unwrap(), Accept::default());
        let metadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        assert_eq!(accept(metadata).unwrap().shape, Shape::Metadata);
    }

    #[test]
    fn what_is_named_comes_before_a_wild_card() {
        for header in ["*/*,application/yaml", "*/*;q=0.9,application/yaml;q=0.1"] {
            assert!(accept(header).unwrap().yaml, "{header}");
        }
        // Each of the two comes before the other; the one that is found later wins.
        assert!(!accept("application/yaml;q=0.1,*/*;q=0.9").unwrap().yaml);
        let many = "text/a,text/b,text/c,text/d,text/e,text/f,text/g,text/h,text/i,text/j,text/k,*/*,application/yaml";
        assert!(!accept(many).unwrap().yaml, "long lists go by weight and place");
    }

    #[test]
    fn what_is_not_served_is_refused() {
        for header in [
            "text/plain",
            "application/*",
            "application/cbor",
            "application/json;as=Foo;g=meta.k8s.io;v=v1",
            "application/vnd.kubernetes.protobuf",
        ] {
            assert_eq!(accept(header).unwrap_err().code, 406, "{header}");
        }
    }

    #[test]
    fn protobuf_is_read_for_built_in_kinds_only() {
        let mut headers = HeaderMap::new();
        let protobuf = http::HeaderValue::from_static("application/vnd.kubernetes.protobuf");
        headers.insert(http::header::CONTENT_TYPE, protobuf);
        assert_eq!(BodyFormat::of(&headers, true).unwrap(), BodyFormat::Protobuf);
        let error = BodyFormat::of(&headers, false).unwrap_err();
        assert_eq!((error.code, error.reason.as_ref()), (415, "UnsupportedMediaType"));
    }

    #[test]
    fn the_type_of_a_body_is_read_as_go_does() {
        let read = |header: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(header));
            BodyFormat::of(&headers, false).ok()
        };
        for good in
            ["APPLICATION/JSON", "application/json;", "application/json; charset=utf-8", "application/json;a=b;"]
        {
            assert_eq!(read(good), Some(BodyFormat::Json), "{good}");
        }
        for bad in
            ["application/json;;", "application/json;a", "application/json,application/yaml", "*/*", "application/cbor"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
