//! DELETE of a collection: every object that is selected, each as if it were deleted by its name.

use super::call::{Call, Reply};
use super::{delete, list};
use crate::http::{ListOptions, VersionMatch};
use crate::status::ApiResult;

/// Deletes what is selected, and answers with the list of it.
pub(super) async fn delete_collection(call: &mut Call) -> ApiResult<Reply> {
    let accept = call.accept()?;
    let mut selection = ListOptions::parse(&call.query)?;
    list::check_fields(&call.resource, &mut selection.fields)?;
    let options = delete::options(call).await?;
    if let Some(warning) = delete::default_policy_warning(&call.resource, &options) {
        call.warnings.push(warning.into());
    }
    // The real server always reads page by page here, and so an old version exactly.
    let versioned = selection.version_match.is_none() && !matches!(selection.resource_version.as_str(), "" | "0");
    if versioned && list::selected_name(call, &selection).is_none() {
        selection.version_match = Some(VersionMatch::Exact);
    }
    let mut page = list::read(call, &selection)?;
    list::convert(call, &mut page).await?;
    let (core, resource) = (call.core.clone(), call.resource.clone());
    // The name that admission sees is that of the request: there is none.
    let mut admission = delete::DeletionAdmission::new(call, "", &options);
    for stored in &page.items {
        let deletion =
            delete::delete_object(&core, &resource, stored.key(), &options, call.now(), Some(&mut admission)).await;
        call.warnings.append(&mut admission.warnings);
        match deletion {
            Ok(_) => {}
            // Somebody else has deleted it meanwhile.
            Err(error) if error.reason == "NotFound" => {}
            Err(error) => return Err(error),
        }
    }
    list::render_list(call, accept, &page)
}
