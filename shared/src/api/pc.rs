//! What PCs and resource servers send and hear.

use serde::{Deserialize, Serialize};

use crate::code::UserCode;
use crate::dpop::Thumbprint;
use crate::login::Status;
use crate::name::Username;
use crate::secret::{DeviceCode, PcToken, RefreshToken, Token};

bodies! {
    /// `POST /oauth/device_authorization`, answered (RFC 8628 §3.2).
    pub struct DeviceAuthorization {
        /// The PC's secret for this login.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub device_code: Token<DeviceCode>,
        /// The short form of the code, for typing.
        #[cfg_attr(feature = "openapi", schema(value_type = String, example = "WDJB-MJHT"))]
        pub user_code: UserCode,
        /// Where a person types the user code.
        pub verification_uri: String,
        /// What the QR holds.
        pub verification_uri_complete: String,
        /// The login's life in seconds.
        pub expires_in: u64,
        /// The least seconds between two polls.
        pub interval: u64,
    }

    /// `POST /oauth/token`, answered (RFC 6749 §5.1).
    pub struct TokenAnswer {
        /// The PC's access token.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub access_token: Token<PcToken>,
        /// `Bearer`, or `DPoP` where the token is bound to a key.
        pub token_type: String,
        /// The access token's life in seconds.
        pub expires_in: u64,
        /// Buys the next access token, once.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub refresh_token: Token<RefreshToken>,
        /// The scope, if one was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub scope: Option<String>,
    }

    /// What the PC sees of its login.
    #[derive(PartialEq, Eq)]
    pub struct Snapshot {
        /// Where it stands.
        pub status: Status,
        /// Goes up by one at each transition.
        pub version: u64,
        /// The seconds left in this state; 0 when ended.
        pub expires_in: u64,
        /// Who scanned it, masked: `a***e`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub scanned_by: Option<String>,
        /// Who is logged in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        pub username: Option<Username>,
    }

    /// `POST /oauth/introspect`, answered (RFC 7662 §2.2).
    #[derive(PartialEq, Eq)]
    pub struct Introspection {
        /// Whether the token is good now. If not, nothing else is said.
        pub active: bool,
        /// The scope.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub scope: Option<String>,
        /// The client that it was issued to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub client_id: Option<String>,
        /// The account's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub username: Option<String>,
        /// `Bearer`, or `DPoP` where the token is bound to a key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub token_type: Option<String>,
        /// When it ends, in Unix seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub exp: Option<i64>,
        /// When the session began, in Unix seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub iat: Option<i64>,
        /// The account's id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sub: Option<String>,
        /// The server.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub iss: Option<String>,
        /// The PC's session.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sid: Option<String>,
        /// What the sender of the token must prove besides (RFC 9449 §6.2).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub cnf: Option<Confirmation>,
    }

    /// The key that a token is bound to.
    #[derive(PartialEq, Eq)]
    pub struct Confirmation {
        /// Its thumbprint (RFC 7638).
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub jkt: Thumbprint,
    }
}
