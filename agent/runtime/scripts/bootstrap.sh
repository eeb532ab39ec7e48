# Runs a bash script with the deployment's variables and helper functions.
# Arguments: descriptor of the variables, path of the script, parameters of the script.
# The variables are name NUL value NUL ..., and are read once; nothing is exported.

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
    echo "Scripts need bash 4.4 or newer; this is bash $BASH_VERSION." >&2
    exit 1
fi

declare -a __octopus_data=()
mapfile -d '' -t -u "$1" __octopus_data
eval "exec $1<&-"
declare -A octopus_parameters=()
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 502)); then
    # Keys and values as one list, which older versions do not know.
    eval "octopus_parameters=(${__octopus_data[*]@Q})"
else
    for ((__octopus_index = 0; __octopus_index + 1 < ${#__octopus_data[@]}; __octopus_index += 2)); do
        octopus_parameters["${__octopus_data[__octopus_index]}"]=${__octopus_data[__octopus_index + 1]}
    done
fi
__octopus_script=$2
shift 2
unset __octopus_data __octopus_index

# Sets REPLY to the base64 text of $1. Short values need no other process.
__octopus_encode() {
    local text=$1 LC_ALL=C
    if ((${#text} > 300)); then
        REPLY=$(printf '%s' "$text" | base64)
        REPLY=${REPLY//$'\n'/}
        return
    fi
    local alphabet=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/
    local index first second third group encoded=
    for ((index = 0; index < ${#text}; index += 3)); do
        printf -v first %d "'${text:index:1}"
        printf -v second %d "'${text:index + 1:1}"
        printf -v third %d "'${text:index + 2:1}"
        group=$(((first & 255) << 16 | (second & 255) << 8 | (third & 255)))
        encoded+=${alphabet:group >> 18:1}${alphabet:(group >> 12) & 63:1}
        encoded+=${alphabet:(group >> 6) & 63:1}${alphabet:group & 63:1}
    done
    case $((${#text} % 3)) in
        1) encoded=${encoded%??}== ;;
        2) encoded=${encoded%?}= ;;
    esac
    REPLY=$encoded
}

# Prints one service message: name, then pairs of attribute and value.
__octopus_message() {
    local message="##octopus[$1" REPLY
    shift
    while (($# > 1)); do
        __octopus_encode "$2"
        message+=" $1='$REPLY'"
        shift 2
    done
    printf '%s]\n' "$message"
}

__octopus_say() {
    printf '##octopus[stdout-%s]\n%s\n##octopus[stdout-default]\n' "$1" "$2"
}

# get_octopusvariable NAME: prints the value, nothing if there is none.
get_octopusvariable() {
    { local -; set +xeu; } 2>/dev/null
    local name=${1:-} key
    if [[ -z $name ]]; then return 0; fi
    if [[ -n ${octopus_parameters[$name]+set} ]]; then
        printf '%s' "${octopus_parameters[$name]}"
        return 0
    fi
    for key in "${!octopus_parameters[@]}"; do
        if [[ ${key,,} == "${name,,}" ]]; then
            printf '%s' "${octopus_parameters[$key]}"
            return 0
        fi
    done
}

# set_octopusvariable NAME VALUE [-sensitive]
set_octopusvariable() {
    { local -; set +xeu; } 2>/dev/null
    if [[ ${3:-} == -sensitive ]]; then
        __octopus_message setVariable name "${1:-}" value "${2:-}" sensitive True
    else
        __octopus_message setVariable name "${1:-}" value "${2:-}"
    fi
}

# new_octopusartifact PATH [NAME]
new_octopusartifact() {
    { local -; set +xeu; } 2>/dev/null
    local path=${1:-}
    if [[ ! -f $path ]]; then
        printf 'The artifact %s was not found.\n' "$path" >&2
        return 1
    fi
    if [[ $path != /* ]]; then path=$PWD/$path; fi
    __octopus_message createArtifact path "$path" name "${2:-${path##*/}}"
}

# update_progress PERCENTAGE MESSAGE
update_progress() {
    { local -; set +xeu; } 2>/dev/null
    __octopus_message progress percentage "${1:-0}" message "${2:-}"
}

write_verbose() {
    { local -; set +xeu; } 2>/dev/null
    __octopus_say verbose "$*"
}

write_highlight() {
    { local -; set +xeu; } 2>/dev/null
    __octopus_say highlight "$*"
}

write_wait() {
    { local -; set +xeu; } 2>/dev/null
    __octopus_say wait "$*"
}

write_warning() {
    { local -; set +xeu; } 2>/dev/null
    __octopus_say warning "$*"
}

# fail_step [MESSAGE]: ends the script as failed; the message becomes the reason.
fail_step() {
    { local -; set +xeu; } 2>/dev/null
    if [[ -n ${1:-} ]]; then __octopus_message resultMessage message "$1"; fi
    exit 1
}

source "$__octopus_script"
