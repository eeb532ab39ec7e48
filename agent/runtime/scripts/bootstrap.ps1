# Runs a PowerShell script with the deployment's variables and helper functions.
# Arguments: descriptor of the variables, path of the script, its parameters as one text.
# The variables are name NUL value NUL ..., and are read once; nothing enters the environment.
param([int]$OctopusDescriptor, [string]$OctopusScript, [string]$OctopusScriptParameters = "")

$ErrorActionPreference = "Stop"
$ProgressPreference = "SilentlyContinue"

$OctopusParameters = New-Object "System.Collections.Generic.Dictionary[string,string]" (
    [System.StringComparer]::OrdinalIgnoreCase)

function Import-OctopusVariables([int]$Descriptor) {
    $memory = New-Object System.IO.MemoryStream
    $file = [System.IO.File]::OpenRead("/dev/fd/$Descriptor")
    try { $file.CopyTo($memory) } finally { $file.Dispose() }
    $parts = [System.Text.Encoding]::UTF8.GetString($memory.ToArray()).Split([char]0)
    for ($index = 0; $index + 1 -lt $parts.Length; $index += 2) {
        $script:OctopusParameters[$parts[$index]] = $parts[$index + 1]
    }
}

function Write-OctopusMessage([string]$Name, [System.Collections.Specialized.OrderedDictionary]$Attributes) {
    $text = "##octopus[" + $Name
    foreach ($key in $Attributes.Keys) {
        $bytes = [System.Text.Encoding]::UTF8.GetBytes([string]$Attributes[$key])
        $text += " " + $key + "='" + [Convert]::ToBase64String($bytes) + "'"
    }
    [Console]::Out.WriteLine($text + "]")
}

function Write-OctopusLine([string]$Level, [string]$Message) {
    [Console]::Out.WriteLine("##octopus[stdout-" + $Level + "]")
    [Console]::Out.WriteLine($Message)
    [Console]::Out.WriteLine("##octopus[stdout-default]")
}

function Set-OctopusVariable {
    param([Parameter(Mandatory)][string]$Name, [AllowEmptyString()][string]$Value = "", [switch]$Sensitive)
    $attributes = [ordered]@{ name = $Name; value = $Value }
    if ($Sensitive) { $attributes["sensitive"] = "True" }
    Write-OctopusMessage "setVariable" $attributes
}

function New-OctopusArtifact {
    param([Parameter(Mandatory, ValueFromPipeline)][string]$Path, [string]$Name = "")
    process {
        $full = (Resolve-Path -LiteralPath $Path).ProviderPath
        if ($Name -eq "") { $Name = [System.IO.Path]::GetFileName($full) }
        Write-OctopusMessage "createArtifact" ([ordered]@{ path = $full; name = $Name })
    }
}

function Update-Progress {
    param([Parameter(Mandatory)][int]$Percentage, [string]$Message = "")
    Write-OctopusMessage "progress" ([ordered]@{ percentage = $Percentage; message = $Message })
}

function Write-Verbose {
    param([Parameter(Position = 0, ValueFromPipeline)][AllowEmptyString()][string]$Message)
    process { Write-OctopusLine "verbose" $Message }
}

function Write-Highlight {
    param([Parameter(Position = 0, ValueFromPipeline)][AllowEmptyString()][string]$Message)
    process { Write-OctopusLine "highlight" $Message }
}

function Write-Wait {
    param([Parameter(Position = 0, ValueFromPipeline)][AllowEmptyString()][string]$Message)
    process { Write-OctopusLine "wait" $Message }
}

function Write-Warning {
    param([Parameter(Position = 0, ValueFromPipeline)][AllowEmptyString()][string]$Message)
    process { Write-OctopusLine "warning" $Message }
}

function Fail-Step {
    param([Parameter(Position = 0)][string]$Message = "")
    if ($Message -ne "") { Write-OctopusMessage "resultMessage" ([ordered]@{ message = $Message }) }
    exit 1
}

Import-OctopusVariables $OctopusDescriptor
$global:LASTEXITCODE = 0
$quoted = $OctopusScript.Replace("'", "''")
Invoke-Expression ". '$quoted' $OctopusScriptParameters"
exit $global:LASTEXITCODE
