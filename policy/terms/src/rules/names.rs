//! The names of the schema as values of Cedar, made once: nothing is parsed when a question is put.

use std::collections::BTreeMap;

use cedar_policy::{EntityId, EntityTypeName, EntityUid, ParseErrors, RestrictedExpression};

use crate::{
    code::Code,
    compile::{
        expression::Kind,
        schema::{SERVICES, service_name},
        statement::Deed,
    },
    permit::{Form, NodePlace, Service},
};

/// Every name that a question may hold, but for the items of data.
pub(super) struct Names {
    services: BTreeMap<Service, EntityUid>,
    deeds: [(Deed, EntityUid); 2],
    purposes: BTreeMap<Code, RestrictedExpression>,
    places: [RestrictedExpression; 2],
    forms: [RestrictedExpression; 3],
}

impl Names {
    pub(super) fn new<'a>(purposes: impl Iterator<Item = &'a Code>) -> Result<Self, String> {
        let value = |kind: Kind, id: &str| one(kind, id).map(RestrictedExpression::new_entity_uid);
        let deed = |deed: Deed| Ok::<_, String>((deed, one(Kind::Action, deed.name())?));
        let purpose = |code: &Code| Ok::<_, String>((code.clone(), value(Kind::Purpose, code.as_str())?));
        let service = |service: Service| Ok::<_, String>((service, one(Kind::Service, service_name(service))?));
        Ok(Self {
            services: SERVICES.into_iter().map(service).collect::<Result<_, _>>()?,
            deeds: [deed(Deed::Store)?, deed(Deed::Retain)?],
            purposes: purposes.map(purpose).collect::<Result<_, _>>()?,
            places: [value(Kind::Place, "home")?, value(Kind::Place, "abroad")?],
            forms: [value(Kind::Form, "plain")?, value(Kind::Form, "sealed")?, value(Kind::Form, "digest")?],
        })
    }

    pub(super) fn service(&self, service: Service) -> Option<EntityUid> {
        self.services.get(&service).cloned()
    }

    pub(super) fn deed(&self, deed: Deed) -> Option<EntityUid> {
        self.deeds.iter().find(|(known, _)| *known == deed).map(|(_, uid)| uid.clone())
    }

    pub(super) fn purpose(&self, code: &Code) -> Option<RestrictedExpression> {
        self.purposes.get(code).cloned()
    }

    pub(super) fn place(&self, place: NodePlace) -> RestrictedExpression {
        let [home, abroad] = &self.places;
        match place {
            NodePlace::Home => home.clone(),
            NodePlace::Abroad => abroad.clone(),
        }
    }

    pub(super) fn form(&self, form: Form) -> RestrictedExpression {
        let [plain, sealed, digest] = &self.forms;
        match form {
            Form::Plain => plain.clone(),
            Form::Sealed => sealed.clone(),
            Form::Digest => digest.clone(),
        }
    }
}

/// One name of the schema: `Avow::Data::"account.email"`.
pub(crate) fn one(kind: Kind, id: &str) -> Result<EntityUid, String> {
    let name: EntityTypeName =
        format!("Avow::{}", kind.name()).parse().map_err(|error: ParseErrors| error.to_string())?;
    Ok(EntityUid::from_type_name_and_id(name, EntityId::new(id)))
}
