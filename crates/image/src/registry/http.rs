//! Requests to a registry, with a login when it asks for one.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::login::{self, Credentials};
use super::{RegistryError, RegistryOptions, tls};
use crate::Reference;

/// The host that serves the registry of names that have none.
const DOCKER_HOST: &str = "registry-1.docker.io";
/// The most that an answer may have, in bytes.
const MOST_BYTES: usize = 2 << 30;
const REDIRECTS: usize = 5;

/// A repository in a registry.
#[derive(Debug)]
pub struct Registry {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// `https://registry.example.com`
    base: String,
    registry: String,
    pub(super) repository: String,
    credentials: Option<Credentials>,
    /// The value of the header by which the registry knows us, once it has asked.
    authorization: Mutex<Option<String>>,
    timeout: Duration,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) url: String,
}

impl Registry {
    /// The repository of an image. A registry on this machine is asked whether it speaks TLS.
    ///
    /// # Errors
    /// If Docker's configuration can't be used, or a registry on this machine can't be reached.
    pub async fn connect(reference: &Reference, options: &RegistryOptions) -> Result<Self, RegistryError> {
        let registry = &reference.registry;
        let scheme = if options.plain_http { "http" } else { "https" };
        let host = if registry == "docker.io" { DOCKER_HOST } else { registry };
        let tls = tls::config(registry, options)?;
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        let mut connected = Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            base: format!("{scheme}://{host}"),
            registry: registry.clone(),
            repository: reference.repository.clone(),
            credentials: login::find(registry, options)?,
            authorization: Mutex::new(None),
            timeout: options.timeout,
        };
        if !options.plain_http && is_here(registry) && !connected.speaks_tls().await? {
            connected.base = format!("http://{host}");
        }
        Ok(connected)
    }

    async fn speaks_tls(&self) -> Result<bool, RegistryError> {
        let url = format!("{}/v2/", self.base);
        let unreachable = |cause: String| RegistryError::Unreachable { url: url.clone(), cause };
        let request = Request::get(&url).body(Full::default()).map_err(|error| unreachable(error.to_string()))?;
        let late = |_| RegistryError::Timeout { url: url.clone(), after: self.timeout };
        match tokio::time::timeout(self.timeout, self.client.request(request)).await.map_err(late)? {
            Ok(_) => Ok(true),
            Err(error) if is_no_tls(&error) => Ok(false),
            Err(error) => Err(unreachable(chain(&error))),
        }
    }

    /// The URL of something in the repository, such as `blobs/sha256:…`.
    pub(super) fn url(&self, what: &str) -> String {
        format!("{}/v2/{}/{what}", self.base, self.repository)
    }

    /// The URL of a Location header, which may leave out the host.
    pub(super) fn located(&self, answer: &Answer) -> Result<String, RegistryError> {
        let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        match location {
            Some(path) if path.starts_with('/') => {
                let origin = origin(&answer.url).unwrap_or(&self.base);
                Ok(format!("{origin}{path}"))
            }
            Some(url) => Ok(url.into()),
            None => Err(answer.refused("it does not say where to go on")),
        }
    }

    /// Asks, follows redirects of reads, and logs in if need be.
    pub(super) async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Answer, RegistryError> {
        let mut url = url.to_string();
        let mut logged_in = false;
        for _ in 0..REDIRECTS {
            let answer = self.ask(method.clone(), &url, headers, body.clone()).await?;
            let redirected = answer.status.is_redirection() && answer.headers.contains_key(LOCATION);
            if redirected && [Method::GET, Method::HEAD].contains(&method) {
                url = self.located(&answer)?;
                continue;
            }
            if answer.status == StatusCode::UNAUTHORIZED && !logged_in {
                logged_in = true;
                self.log_in(&answer).await?;
                continue;
            }
            if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status) {
                return Err(RegistryError::Denied { registry: self.registry.clone(), cause: answer.cause() });
            }
            return Ok(answer);
        }
        Err(RegistryError::Unreachable { url, cause: "it redirects again and again".into() })
    }

    async fn ask(
        &self,
        method: Method,
        url: &str,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Answer, RegistryError> {
        let unreachable = |cause: String| RegistryError::Unreachable { url: url.into(), cause };
        let uri: Uri = url.parse().map_err(|error: http::uri::InvalidUri| unreachable(error.to_string()))?;
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let known = self.authorization.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Whoever it redirects to is not to know our password.
        if let Some(known) = known.filter(|_| origin(url) == Some(self.base.as_str())) {
            request = request.header(AUTHORIZATION, known);
        }
        let request = request.body(Full::new(body)).map_err(|error| unreachable(error.to_string()))?;
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|error| unreachable(chain(&error)))?;
            let (parts, body) = answer.into_parts();
            let body =
                Limited::new(body, MOST_BYTES).collect().await.map_err(|error| unreachable(error.to_string()))?;
            Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes(), url: url.into() })
        };
        let late = |_| RegistryError::Timeout { url: url.into(), after: self.timeout };
        tokio::time::timeout(self.timeout, exchange).await.map_err(late)?
    }

    /// Does what the registry asks for, to be known by it.
    async fn log_in(&self, answer: &Answer) -> Result<(), RegistryError> {
        let denied = |cause: String| RegistryError::Denied { registry: self.registry.clone(), cause };
        let asked: Vec<Challenge> = answer
            .headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| Challenge::parse(value.to_str().ok()?))
            .collect();
        let scheme = |wanted: &str| asked.iter().find(|challenge| challenge.scheme.eq_ignore_ascii_case(wanted));
        let authorization = if let Some(challenge) = scheme("bearer") {
            format!("Bearer {}", self.token(challenge).await?)
        } else if scheme("basic").is_some() {
            let credentials = self.credentials.as_ref().ok_or_else(|| denied("it asks for a password".into()))?;
            credentials.basic()
        } else {
            return Err(denied(answer.cause()));
        };
        *self.authorization.lock().unwrap_or_else(PoisonError::into_inner) = Some(authorization);
        Ok(())
    }

    /// Gets a token from the server that the registry names.
    async fn token(&self, challenge: &Challenge) -> Result<String, RegistryError> {
        let denied = |cause: String| RegistryError::Denied { registry: self.registry.clone(), cause };
        let realm = challenge.value("realm").ok_or_else(|| denied("it does not say where tokens are".into()))?;
        if realm.starts_with("http://") && self.base.starts_with("https://") {
            return Err(denied(format!("it has tokens at {realm}, where everybody could read the password")));
        }
        let scope = format!("repository:{}:pull,push", self.repository);
        let mut url = realm.to_string();
        let parameters =
            [("service", challenge.value("service")), ("scope", challenge.value("scope").or(Some(&scope)))];
        for (key, value) in parameters {
            if let Some(value) = value {
                url.push(if url.contains('?') { '&' } else { '?' });
                url.push_str(&format!("{key}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
            }
        }
        let headers: Vec<(&'static str, String)> =
            self.credentials.iter().map(|known| ("authorization", known.basic())).collect();
        *self.authorization.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let answer = self.ask(Method::GET, &url, &headers, Bytes::new()).await?;
        if !answer.status.is_success() {
            return Err(denied(format!("{realm} gives no token: {}", answer.cause())));
        }
        let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let token = ["token", "access_token"].iter().find_map(|key| value[key].as_str());
        token.map(Into::into).ok_or_else(|| denied(format!("{realm} gives no token")))
    }

    /// Reads; the answer must be good.
    pub(super) async fn get(&self, what: &str, accept: &str) -> Result<Answer, RegistryError> {
        let headers = [("accept", accept.to_string())];
        let answer = self.send(Method::GET, &self.url(what), &headers, Bytes::new()).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(answer.refused("")) }
    }
}

impl Answer {
    /// What kind of thing it is.
    pub(super) fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// What the registry says went wrong.
    pub(super) fn cause(&self) -> String {
        let value: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let said: Vec<String> = value["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|error| {
                format!(
                    "{} ({})",
                    error["message"].as_str().unwrap_or_default(),
                    error["code"].as_str().unwrap_or_default()
                )
            })
            .collect();
        match said.is_empty() {
            true => self.status.to_string(),
            false => said.join(", "),
        }
    }

    pub(super) fn refused(&self, cause: &str) -> RegistryError {
        let cause = if cause.is_empty() { self.cause() } else { cause.to_string() };
        RegistryError::Refused { url: self.url.clone(), status: self.status.as_u16(), cause }
    }
}

/// How a registry wants to know who we are: `Bearer realm="…",service="…"`.
#[derive(Debug, PartialEq, Eq)]
struct Challenge {
    scheme: String,
    values: Vec<(String, String)>,
}

impl Challenge {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, mut rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let mut values = Vec::new();
        while let Some((key, after)) = rest.split_once('=') {
            let (value, next) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => after.split_at(after.find(',').unwrap_or(after.len())),
            };
            values.push((key.trim_matches([' ', ',']).to_lowercase(), value.to_string()));
            rest = next;
        }
        Some(Self { scheme: scheme.into(), values })
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.values.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// Scheme, host and port of a URL.
fn origin(url: &str) -> Option<&str> {
    let begin = url.find("://")? + 3;
    let end = url[begin..].find('/').map_or(url.len(), |at| begin + at);
    Some(&url[..end])
}

/// Whether a registry is on this machine.
fn is_here(registry: &str) -> bool {
    let host = match registry.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => registry.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether it was no TLS that came back, or nothing at all: servers that do not speak it answer in the open, or hang up.
fn is_no_tls(error: &(dyn Error + 'static)) -> bool {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return matches!(tls, rustls::Error::InvalidMessage(_));
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        let hung_up = [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
        // What is wrapped is no source of it.
        return hung_up.contains(&io.kind()) || io.get_ref().is_some_and(|inner| is_no_tls(inner));
    }
    error.source().is_some_and(is_no_tls)
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_registry_asks_for_is_understood() {
        let asked = Challenge::parse(
            r#"Bearer realm="https://auth.example.com/token",service="a b", scope="repository:a:pull,push""#,
        );
        let asked = asked.unwrap();
        assert_eq!(asked.scheme, "Bearer");
        assert_eq!(asked.value("realm"), Some("https://auth.example.com/token"));
        assert_eq!(asked.value("service"), Some("a b"));
        assert_eq!(asked.value("scope"), Some("repository:a:pull,push"));
        assert_eq!(Challenge::parse("Basic realm=x").unwrap().value("realm"), Some("x"));
        assert_eq!(Challenge::parse("Negotiate").unwrap().values, []);
        assert_eq!(Challenge::parse(r#"Bearer realm="open"#), None);
    }

    #[test]
    fn only_registries_on_this_machine_are_spoken_to_in_the_open() {
        for here in ["localhost:5000", "127.0.0.1", "127.8.8.8:1", "[::1]:5000"] {
            assert!(is_here(here), "{here}");
        }
        for away in ["example.com", "localhost.example.com", "10.0.0.1:5000", "[::2]"] {
            assert!(!is_here(away), "{away}");
        }
    }
}
