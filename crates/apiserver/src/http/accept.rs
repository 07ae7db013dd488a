//! Content negotiation: in which form an answer is wanted, and in which form a body comes.

use http::HeaderMap;

use crate::status::{ApiError, ApiResult};

/// What the real server lists as its media types; shown in its refusals.
const OFFERED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

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
    /// Version of `meta.k8s.io` for tables and metadata: true for v1beta1.
    pub meta_beta: bool,
    /// YAML instead of JSON.
    pub yaml: bool,
    /// Protobuf instead of JSON.
    pub protobuf: bool,
}

/// One clause of an `Accept` header.
pub(crate) struct Clause<'a> {
    /// `application/json`
    pub media_type: &'a str,
    /// The parameters but `q`.
    pub parameters: Vec<(&'a str, &'a str)>,
    quality: f32,
}

impl<'a> Clause<'a> {
    /// A parameter, or the empty string.
    pub(crate) fn parameter(&self, name: &str) -> &'a str {
        self.parameters.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
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
                let (key, value) = (key.trim(), value.trim().trim_matches('"'));
                match key {
                    "q" => clause.quality = value.parse().unwrap_or(1.0),
                    _ => clause.parameters.push((key, value)),
                }
            }
            Some(clause)
        })
        .collect();
    out.sort_by(|a, b| b.quality.total_cmp(&a.quality));
    out
}

impl Accept {
    /// Chooses the form of an answer. Tables and metadata are offered for resources (`shapes`), streams for collections,
    /// protobuf for built-in kinds (`protobuf`); there are no tables in it.
    pub(crate) fn negotiate(headers: &HeaderMap, shapes: bool, stream: bool, protobuf: bool) -> ApiResult<Self> {
        let header = headers.get(http::header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if header.is_empty() {
            return Ok(Self::default());
        }
        let clauses = clauses(header);
        for clause in &clauses {
            let packed = protobuf && clause.media_type == PROTOBUF;
            if !packed && !is_json_or_yaml(clause.media_type) {
                continue;
            }
            let yaml = clause.media_type == "application/yaml";
            let (kind, group, version) = (clause.parameter("as"), clause.parameter("g"), clause.parameter("v"));
            let shape = match kind {
                "" if group.is_empty() && version.is_empty() => Shape::Whole,
                "Table" if shapes && !packed => Shape::Table,
                "PartialObjectMetadata" | "PartialObjectMetadataList" if shapes => Shape::Metadata,
                _ => continue,
            };
            if shape != Shape::Whole && (group != "meta.k8s.io" || !matches!(version, "v1" | "v1beta1")) {
                continue;
            }
            return Ok(Self { shape, meta_beta: version == "v1beta1", yaml, protobuf: packed });
        }
        // Which refusal it is depends on whether the media type itself is known.
        if clauses.iter().any(|clause| clause.media_type == PROTOBUF || is_json_or_yaml(clause.media_type)) {
            return Err(ApiError::not_acceptable(OFFERED));
        }
        let streams = if stream {
            ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
        } else {
            ""
        };
        let message = format!("406: Not Acceptable\n\nAvailable representations: {OFFERED}{streams}");
        Err(ApiError { details: Some(Box::default()), ..ApiError::new(406, "NotAcceptable", message) })
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
        match media_type(headers) {
            "" | "application/json" => Ok(Self::Json),
            "application/yaml" => Ok(Self::Yaml),
            PROTOBUF if protobuf => Ok(Self::Protobuf),
            _ => Err(ApiError::unsupported_media_type(format!(
                "the body of the request was in an unknown format - accepted media types include: {OFFERED}"
            ))),
        }
    }
}

/// The media type of a body, without parameters.
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
        Accept::negotiate(&headers, true, false, false)
    }

    #[test]
    fn the_first_form_that_is_served_is_chosen() {
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,\
                       application/json";
        assert_eq!(accept(kubectl).unwrap().shape, Shape::Table);
        assert_eq!(accept("application/vnd.kubernetes.protobuf,application/json").unwrap(), Accept::default());
        assert!(accept("application/json;q=0.1,application/yaml").unwrap().yaml);
        assert_eq!(accept("*/*").unwrap(), Accept::default());
        let metadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        assert_eq!(accept(metadata).unwrap().shape, Shape::Metadata);
    }

    #[test]
    fn what_is_not_served_is_refused() {
        for header in
            ["text/plain", "application/json;as=Foo;g=meta.k8s.io;v=v1", "application/vnd.kubernetes.protobuf"]
        {
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
}
