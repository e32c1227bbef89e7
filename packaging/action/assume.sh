#!/usr/bin/env bash
# What action.yml runs: inputs come as INPUT_…, and what they leave out from the job's own variables.
set -euo pipefail

fail() {
  echo "::error title=Assume a role::$1"
  exit 1
}

mask() {
  if [[ -n "$1" ]]; then
    local data="${1//'%'/%25}"
    data="${data//$'\r'/%0D}"
    printf '::add-mask::%s\n' "${data//$'\n'/%0A}"
  fi
}

# An empty value takes a variable away from every step that follows, as far as the runner lets it.
clean_up() {
  local name
  for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION; do
    printf '%s=\n' "$name" >>"$GITHUB_ENV"
  done
  echo "The next steps have no credentials"
}

# The program: on the PATH, or of a release whose checksum agrees, or built from the action's own source.
find_program() {
  if command -v rolecall >/dev/null; then
    return
  fi
  local place="${RUNNER_TEMP:?}/rolecall"
  mkdir -p "$place"
  if [[ -n "${INPUT_VERSION:-}" ]]; then
    download "$place" "${INPUT_VERSION#v}"
  elif command -v cargo >/dev/null; then
    cargo install --quiet --locked --path "$GITHUB_ACTION_PATH/crates/rolecall" --root "$place"
  else
    fail "rolecall is not on the PATH; give the input 'version', or put Rust on the runner"
  fi
  echo "$place/bin" >>"$GITHUB_PATH"
  PATH="$place/bin:$PATH"
}

download() {
  local place="$1" version="$2" machine name from
  machine="$(uname -m)-$(uname -s | tr '[:upper:]' '[:lower:]')"
  name="rolecall-$version-$machine"
  from="${GITHUB_SERVER_URL:?}/${ACTION_REPOSITORY:-${GITHUB_REPOSITORY:?}}/releases/download/v$version"
  (
    cd "$place"
    curl --fail --silent --show-error --location --remote-name-all "$from/$name.tar.gz" "$from/SHA256SUMS"
    grep -F " $name.tar.gz" SHA256SUMS >wanted || fail "SHA256SUMS of $version does not name $name.tar.gz"
    sha256sum --check --quiet wanted || fail "$name.tar.gz is not what SHA256SUMS says"
    tar -xzf "$name.tar.gz" --strip-components=1
  )
}

# Keys given as inputs win over the job's, and never go with another key's session token.
choose_keys() {
  if [[ -n "${INPUT_ACCESS_KEY_ID:-}" ]]; then
    [[ -n "${INPUT_SECRET_ACCESS_KEY:-}" ]] || fail "'aws-access-key-id' needs 'aws-secret-access-key'"
    export AWS_ACCESS_KEY_ID="$INPUT_ACCESS_KEY_ID" AWS_SECRET_ACCESS_KEY="$INPUT_SECRET_ACCESS_KEY"
    export AWS_SESSION_TOKEN="${INPUT_SESSION_TOKEN:-}"
  fi
  local name
  for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN; do
    [[ -n "${!name:-}" ]] || unset "$name"
  done
}

wants_web_identity() {
  [[ "${INPUT_WEB_IDENTITY:-}" == true || -n "${INPUT_TOKEN_FILE:-}" ]] && return
  [[ -z "${AWS_ACCESS_KEY_ID:-}" && -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ]]
}

# In place, so that the shell's own arguments become the program's.
assume() {
  local role="${INPUT_ROLE:-${ROLE_ARN:-}}" session="${INPUT_SESSION_NAME:-${ROLE_SESSION_NAME:-}}"
  local duration="${INPUT_DURATION:-${DURATION_SECONDS:-}}" region="${INPUT_REGION:-${AWS_REGION:-}}"
  local endpoint="${INPUT_ENDPOINT_URL:-${AWS_ENDPOINT_URL:-}}"
  [[ -n "$role" ]] || fail "no role: give the input 'role-to-assume', or the variable ROLE_ARN"
  # Empty variables are none.
  unset ROLE_ARN ROLE_SESSION_NAME DURATION_SECONDS
  set -- --format github
  [[ -z "$session" ]] || set -- "$@" "--session-name=$session"
  [[ -z "$duration" ]] || set -- "$@" "--duration=$duration"
  [[ -z "$region" ]] || set -- "$@" "--region=$region"
  [[ -z "$endpoint" ]] || set -- "$@" "--endpoint-url=$endpoint"
  [[ -z "${INPUT_SESSION_POLICY:-}" ]] || set -- "$@" "--policy=$INPUT_SESSION_POLICY"
  local arn
  while read -r arn; do
    [[ -z "$arn" ]] || set -- "$@" "--policy-arn=$arn"
  done <<<"${INPUT_SESSION_POLICIES:-}"
  if wants_web_identity; then
    set -- "$@" --web-identity "--audience=${INPUT_AUDIENCE:-sts.amazonaws.com}"
    [[ -z "${INPUT_TOKEN_FILE:-}" ]] || set -- "$@" "--token-file=$INPUT_TOKEN_FILE"
  elif [[ -n "${INPUT_EXTERNAL_ID:-}" ]]; then
    set -- "$@" "--external-id=$INPUT_EXTERNAL_ID"
  fi
  rolecall assume "$@" "$role"
}

# Masks before anything else can print.
for secret in "${INPUT_ACCESS_KEY_ID:-}" "${INPUT_SECRET_ACCESS_KEY:-}" "${INPUT_SESSION_TOKEN:-}" \
  "${AWS_SECRET_ACCESS_KEY:-}" "${AWS_SESSION_TOKEN:-}"; do
  mask "$secret"
done
if [[ "${INPUT_CLEAN_UP:-}" == true ]]; then
  clean_up
else
  find_program
  choose_keys
  assume
fi
