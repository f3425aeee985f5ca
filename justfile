# The usual commands. `just` lists them.

default:
    @just --list

# Serve at http://127.0.0.1:8080 with a private database and sandbox providers
serve *ARGS:
    cargo run -- {{ARGS}}

# Walk the whole road over HTTP against a service of its own
demo:
    cargo run -- demo

# What CI runs
check:
    .ci/run

# Only the tests
test *ARGS:
    cargo test {{ARGS}}

# The laws of the house, the API and the schema
laws:
    cargo test -p assay --test it -- laws tidy

# How long the slot engine takes
bench-slots:
    cargo bench -p assay-assessments

# How long a ranking takes over 10⁵ and 10⁶ developers
bench-matching:
    cargo bench -p assay-matching

# A simulated market, ranked and judged against its hidden truth
judge-market SEED="1" WORLD="plain":
    scripts/market/make target/market --seed {{SEED}} --world {{WORLD}}
    cargo run -q -- score --ratings target/market/ratings.jsonl --out target/market/scores.jsonl
    cargo run -q -- match --market target/market --out target/market/ranking.jsonl
    scripts/market/judge target/market target/market/ranking.jsonl --scores target/market/scores.jsonl

# Write every generated file anew
generate:
    cargo run -q -- openapi > api-spec/openapi.json.new && mv api-spec/openapi.json.new api-spec/openapi.json
    cargo run -q -- openapi --readme > api-spec/README.md.new && mv api-spec/README.md.new api-spec/README.md
    cargo run -q -- config --markdown > config/README.md.new && mv config/README.md.new config/README.md

# Format and lint
tidy:
    cargo fmt --all
    cargo clippy --workspace --all-targets -- -D warnings

# Start afresh: the private database, its keys and mails go
[confirm]
reset:
    rm -rf .assay

# Money while everything fails: kill -9 at every boundary, a simulator with a failing provider; prints the table
faults:
    scripts/faults

# Tests against servers that others wrote (mail, GitHub); fetches them
long:
    scripts/long-suite
