//! The commands: one file each, with its arguments and one function.

pub mod abuse_desk;
pub mod account;
pub mod adopt;
pub mod audit;
pub mod backup;
pub mod check;
pub mod diff;
pub mod explain;
pub mod forget;
pub mod history;
pub mod import;
pub mod init;
pub mod keys;
pub mod notices;
pub mod preview;
pub mod publish;
pub mod record;
pub mod relay;
pub mod reload;
pub mod restore;
pub mod rules;
pub mod terms;
pub mod up;
pub mod walls;
