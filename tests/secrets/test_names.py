"""Names that hold secrets."""

import pytest

from kmsguard.secrets.names import family, words


@pytest.mark.parametrize(
    "name",
    [
        *(
            "password",
            "passwd",
            "pwd",
            "passphrase",
            "DB_PASSWORD",
            "dbPassword",
            "db-password",
            "MasterUserPassword",
            "master_password",
        ),
        *(
            "PGPASSWORD",
            "MYSQL_PWD",
            "DB_PASS",
            "password2",
            "password_wo",
            "DB_PASSWORD_PROD",
            "pre_shared_key",
            "preshared_key",
        ),
        *(
            "tunnel1_preshared_key",
            "secret_key",
            "SecretKey",
            "AWS_SECRET_ACCESS_KEY",
            "secretAccessKey",
            "api_key",
            "apiKey",
            "APIKey",
        ),
        *(
            "API_KEYS",
            "token",
            "auth_token",
            "AuthToken",
            "OAuthToken",
            "NPM_TOKEN",
            "accessToken",
            "refresh_token",
            "client_secret",
        ),
        *("ClientSecret", "clientsecret", "jwt_secret", "secret", "secret_string", "SecretString", "private_key", "PrivateKey"),
        *(
            "connection_string",
            "ConnectionString",
            "signing_key",
            "encryption_key",
            "db_credentials",
            "license_key",
            "app.db.password",
        ),
        *(
            "secret_value",
            "token_base64",
            "RABBITMQ_ERLANG_COOKIE",
            "account_key",
            "shared_access_key",
            "webhook_secret",
            "default_password",
        ),
    ],
)
def test_names_of_secrets(name):
    """Passwords, keys, tokens and connection strings, however their words are joined."""
    assert family(name) is not None


@pytest.mark.parametrize(
    "name",
    [
        *(
            "secret_name",
            "SecretName",
            "secret_arn",
            "secret_id",
            "SECRET_ID",
            "password_policy",
            "PasswordPolicy",
            "token_ttl",
        ),
        *(
            "key_name",
            "KeyName",
            "public_key",
            "VERIFY_PUBLIC_KEY",
            "token_enabled",
            "password_enabled",
            "password_path",
            "PASSWORD_FILE",
        ),
        *(
            "kms_key_id",
            "KMS_KEY_ARN",
            "PASSWORD_MIN_LENGTH",
            "PASSWORD_REQUIRED",
            "PARTITION_KEY",
            "AUTH_TOKEN_HEADER",
            "TOKEN_TABLE",
        ),
        *(
            "PasswordLength",
            "TokenTableName",
            "generate_secret",
            "manage_master_user_password",
            "require_password",
            "access_key",
        ),
        *(
            "AWS_ACCESS_KEY_ID",
            "client_id",
            "creation_token",
            "ClientRequestToken",
            "next_token",
            "password_hash",
            "secret_string_template",
        ),
        *(
            "GenerateStringKey",
            "access_token_validity",
            "TemporaryPasswordValidityDays",
            "secret_version",
            "token_url",
            "compass",
            "bypass",
        ),
        *(
            "SSH_KEY_NAME",
            "password_reset_topic",
            "credential_type",
            "allow_users_to_change_password",
            "cookie",
            "key",
            "keys",
            "s3_key",
        ),
        *(
            "hash_key",
            "sort_key",
            "bucket_key_enabled",
            "password_wo_version",
            "secret_access_key_id",
            "",
            "123",
            "tokens_per_second",
        ),
        *(
            "secrets_manager_arn",
            "secretsmanager",
            "authentication",
            "DATABASE_URL",
            "kms_key",
            "master_username",
            "encrypted_secret",
            "kms_encryption_key",
            "iam_password_policy_allow_users_to_change_password",
        ),
    ],
)
def test_names_of_something_else(name):
    """Names, ids, paths, lengths, switches and lifetimes of secrets, and keys that are none."""
    assert family(name) is None


def test_families():
    """A password may be any text; a token looks like one; a secret may be the name of one; a connection string may have one."""
    assert [family(name) for name in ("db_password", "api_token", "db_secret", "connection_string", "name")] == [
        "password",
        "token",
        "secret",
        "connection",
        None,
    ]


def test_words():
    """Words are told apart in every way of joining them."""
    assert words("MyDBPassword2") == ("my", "db", "password", "2")
    assert words("my-db_password.wo") == ("my", "db", "password", "wo")
