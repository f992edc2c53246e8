"""Customers, accounts, users, prices, billing, orders, holds and disclosures.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "consents",
        sa.Column("id", ID, nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.String(length=100), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_table(
        "price_plans",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("charged", sa.String(length=16), nullable=False),
        sa.CheckConstraint(
            "charged IN ('submitted', 'delivered')", name=op.f("ck_price_plans_charged")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_price_plans")),
    )
    op.create_table(
        "revisions",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
    )
    op.create_table(
        "customers",
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("contract_start", sa.Date(), nullable=False),
        sa.Column("contract_end", sa.Date(), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("cycle", sa.String(length=16), nullable=False),
        sa.Column("itemised_since", sa.BigInteger(), nullable=True),
        sa.Column("plan", sa.String(length=64), nullable=True),
        sa.Column("prepaid", sa.Boolean(), nullable=False),
        sa.Column("cap_day", sa.BigInteger(), nullable=True),
        sa.Column("cap_month", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("cycle IN ('month', 'week')", name=op.f("ck_customers_cycle")),
        sa.CheckConstraint("NOT prepaid OR plan IS NOT NULL", name=op.f("ck_customers_prepaid")),
        sa.CheckConstraint("cap_day >= 0", name=op.f("ck_customers_cap_day")),
        sa.CheckConstraint("cap_month >= 0", name=op.f("ck_customers_cap_month")),
        sa.CheckConstraint("contract_end >= contract_start", name=op.f("ck_customers_contract")),
        sa.ForeignKeyConstraint(["plan"], ["price_plans.name"], name=op.f("fk_customers_plan")),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_customers")),
    )
    op.create_index(op.f("ix_customers_plan"), "customers", ["plan"], unique=False)
    op.create_table(
        "prices",
        sa.Column("id", ID, nullable=False),
        sa.Column("plan", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("destination", sa.String(length=20), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.CheckConstraint("direction IN ('out', 'in')", name=op.f("ck_prices_direction")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_prices_amount")),
        sa.CheckConstraint("until > since", name=op.f("ck_prices_order")),
        sa.ForeignKeyConstraint(["plan"], ["price_plans.name"], name=op.f("fk_prices_plan")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prices")),
    )
    op.create_index(op.f("ix_prices_plan"), "prices", ["plan"], unique=False)
    op.create_table(
        "accounts",
        sa.Column("system_id", sa.String(length=15), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer"], ["customers.reference"], name=op.f("fk_accounts_customer")
        ),
        sa.PrimaryKeyConstraint("system_id", name=op.f("pk_accounts")),
    )
    op.create_index(op.f("ix_accounts_customer"), "accounts", ["customer"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer"], ["customers.reference"], name=op.f("fk_api_keys_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_keys_sha256")),
    )
    op.create_index(op.f("ix_api_keys_customer"), "api_keys", ["customer"], unique=False)
    op.create_table(
        "billing_periods",
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_by", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer"], ["customers.reference"], name=op.f("fk_billing_periods_customer")
        ),
        sa.PrimaryKeyConstraint("customer", "period", name=op.f("pk_billing_periods")),
    )
    op.create_table(
        "credits",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer"], ["customers.reference"], name=op.f("fk_credits_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credits")),
    )
    op.create_index(op.f("ix_credits_customer"), "credits", ["customer"], unique=False)
    op.create_table(
        "disclosures",
        sa.Column("id", ID, nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("agency", sa.String(length=200), nullable=False),
        sa.Column("legal_basis", sa.String(length=200), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("checker", sa.String(length=100), nullable=False),
        sa.Column("releaser", sa.String(length=100), nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.CheckConstraint("releaser <> checker", name=op.f("ck_disclosures_releaser")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosures")),
        sa.UniqueConstraint("reference", name=op.f("uq_disclosures_reference")),
    )
    op.create_table(
        "holds",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=True),
        sa.Column("pseudonyms", sa.JSON(), nullable=True),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("case_id", sa.String(length=100), nullable=False),
        sa.Column("creator", sa.String(length=100), nullable=False),
        sa.Column("approver", sa.String(length=100), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("reason IN ('dispute', 'block', 'legal')", name=op.f("ck_holds_reason")),
        sa.CheckConstraint("approver <> creator", name=op.f("ck_holds_approver")),
        sa.ForeignKeyConstraint(
            ["customer"], ["customers.reference"], name=op.f("fk_holds_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index(op.f("ix_holds_customer"), "holds", ["customer"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("consent_id", ID, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(customer IS NULL AND role IN ('admin', 'billing', 'support', 'privacy'))"
            " OR (customer IS NOT NULL AND role IN ('owner', 'member'))",
            name=op.f("ck_users_role"),
        ),
        sa.ForeignKeyConstraint(["consent_id"], ["consents.id"], name=op.f("fk_users_consent_id")),
        sa.ForeignKeyConstraint(
            ["customer"], ["customers.reference"], name=op.f("fk_users_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("consent_id", name=op.f("uq_users_consent_id")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_index(op.f("ix_users_customer"), "users", ["customer"], unique=False)
    op.create_table(
        "billing_totals",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("network", sa.String(length=16), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("segments", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer", "period"],
            ["billing_periods.customer", "billing_periods.period"],
            name=op.f("fk_billing_totals_customer"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_totals")),
    )
    op.create_index(
        "ix_billing_totals_period", "billing_totals", ["customer", "period"], unique=False
    )
    op.create_table(
        "orders",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("sender", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.CheckConstraint("state IN ('new', 'working', 'done')", name=op.f("ck_orders_state")),
        sa.ForeignKeyConstraint(
            ["customer"], ["customers.reference"], name=op.f("fk_orders_customer")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_orders_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_customer"), "orders", ["customer"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("there is nothing before the first")
