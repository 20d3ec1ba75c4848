//! The devices of an account at the desk: each has a key of its own.

use avow_accounting::DeviceCount;
use avow_proxy::{AccessKey, AccountKeys, Method};
use avow_terms::account::AccountId;

use super::{AccountView, Desk, Done};
use crate::{clock, failure::Failure};

impl Desk {
    /// Gives an account a key for one more device.
    pub(super) fn add_device(&mut self, number: AccountId, method: Option<&str>) -> Result<Done, Failure> {
        let AccountKeys(mut keys) = self.keys_of(number)?;
        self.may_have_devices(number, keys.len().saturating_add(1))?;
        let method = match (method, keys.first()) {
            (Some(method), _) => method.parse().map_err(Failure::could_not)?,
            (None, Some(key)) => key.method(),
            (None, None) => Method::Blake3Aes256Gcm,
        };
        let free = (1..=u8::MAX).find(|device| keys.iter().all(|key| key.device() != *device));
        let device = free.ok_or_else(|| Failure::refused("an account has at most 255 devices"))?;
        keys.push(AccessKey::generate(device, method));
        keys.sort_by_key(AccessKey::device);
        self.replace_keys(number, AccountKeys(keys))?;
        self.link_device(number, device)
    }

    /// Withdraws the key of a device.
    pub(super) fn remove_device(&mut self, number: AccountId, device: u8) -> Result<Done, Failure> {
        let AccountKeys(mut keys) = self.keys_of(number)?;
        let before = keys.len();
        keys.retain(|key| key.device() != device);
        if keys.len() == before {
            return Err(no_such_device());
        }
        if keys.is_empty() {
            return Err(Failure::refused("it is the account's only device")
                .help("`avow account remove` erases the account, `avow account rotate` gives the device a new key"));
        }
        self.replace_keys(number, AccountKeys(keys))?;
        self.show_account(number)
    }

    /// Gives one device of an account a new key, or every device.
    pub(super) fn rotate_account(&mut self, number: AccountId, device: Option<u8>) -> Result<Done, Failure> {
        let AccountKeys(keys) = self.keys_of(number)?;
        let rotated = |key: &AccessKey| device.is_none_or(|device| device == key.device());
        if !keys.iter().any(rotated) {
            return Err(no_such_device());
        }
        let renewed = keys.iter().map(|key| match rotated(key) {
            true => AccessKey::generate(key.device(), key.method()),
            false => key.clone(),
        });
        let renewed = AccountKeys(renewed.collect());
        self.replace_keys(number, renewed)?;
        match device {
            Some(device) => self.link_device(number, device),
            None => self.link_account(number),
        }
    }

    fn replace_keys(&mut self, number: AccountId, keys: AccountKeys) -> Result<(), Failure> {
        let permit = self.permit_account(clock::now())?;
        self.store.replace_keys(permit, number, keys.encode()).map_err(Failure::could_not)?;
        self.count_devices(number, keys.0.len())
    }

    /// Remembers how many devices an account has, where the policy in force declares that; where it does not, nothing does.
    pub(super) fn count_devices(&mut self, number: AccountId, devices: usize) -> Result<(), Failure> {
        let Ok(permit) = self.permit::<DeviceCount>(clock::now(), false) else { return Ok(()) };
        let devices = u32::try_from(devices).unwrap_or(u32::MAX);
        self.store.set_device_count(permit, number, devices).map_err(Failure::could_not)
    }

    /// The account with the link of one device.
    fn link_device(&self, number: AccountId, device: u8) -> Result<Done, Failure> {
        let done = self.link_account(number)?;
        let Done::Account(view) = done else { return Ok(done) };
        view.only(device).map(Done::Account).ok_or_else(no_such_device)
    }
}

impl AccountView {
    /// The same, with nothing of its other devices; `None` when it has no such device.
    #[must_use]
    pub fn only(mut self, device: u8) -> Option<Self> {
        let place = self.devices.iter().position(|other| *other == device)?;
        self.methods = vec![self.methods.get(place)?.clone()];
        self.links = self.links.get(place).cloned().into_iter().collect();
        self.devices = vec![device];
        Some(self)
    }
}

/// There is none of that number.
pub(crate) fn no_such_device() -> Failure {
    Failure::refused("the account has no device of that number").help("`avow account device list` shows them")
}
