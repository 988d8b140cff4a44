import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** A service of a compose file, with everything in it that is understood here; what is not is an error. */
export interface Service {
  readonly image: string
  /** Words behind the image's own program; left out: the image's. */
  readonly command: readonly string[] | undefined
  readonly environment: Readonly<Record<string, string>>
  readonly ports: readonly Port[]
  readonly volumes: readonly Volume[]
  /** Names of secrets, and the files that they are. */
  readonly secrets: Readonly<Record<string, string>>
  readonly isReadOnly: boolean
  readonly tmpfs: readonly string[]
  readonly devices: readonly string[]
  readonly capabilities: readonly string[]
  readonly sysctls: Readonly<Record<string, string>>
  readonly stopWithinMs: number
}

interface Port {
  readonly outside: number
  readonly inside: number
  readonly protocol: 'tcp' | 'udp'
}

interface Volume {
  /** A path, or the name of a volume. */
  readonly source: string
  readonly target: string
  readonly isReadOnly: boolean
}

/** What engines give every container (Moby, `oci/caps/defaults.go`). */
const usualCapabilities = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP'],
  ...['SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'],
]

/**
 * Reads the services of a compose file as an engine does (compose-spec), as far as ours needs it.
 *
 * @param environment - What its variables stand for.
 * @throws Error for a variable that is not set, and for everything that no engine or nobody here understands.
 */
export function readCompose(
  path: string,
  environment: Readonly<Record<string, string>>,
): Record<string, Service> {
  const text = readFileSync(path, 'utf8').replaceAll(
    /\$\{(\w+):\?([^}]*)\}/g,
    (_, name: string, complaint: string) => {
      const value = environment[name]
      if (value === undefined) throw new Error(`required variable ${name} is missing a value: ${complaint}`)
      return value
    },
  )
  const { services, volumes, secrets } = only(parse(text), ['services', 'volumes', 'secrets'])
  const files = Object.entries<Written>(secrets).map(([name, secret]) => [name, only(secret, ['file']).file])
  return Object.fromEntries(
    Object.entries<Written>(services).map(([name, service]) => [
      name,
      serviceOf(service, Object.keys(volumes), Object.fromEntries(files)),
    ]),
  )
}

// biome-ignore lint/suspicious/noExplicitAny: what a person wrote may be anything
type Written = Record<string, any>

/** @throws Error where something has another name than these. */
function only(written: Written, names: readonly string[]): Written {
  const others = Object.keys(written).filter((name) => !names.includes(name))
  if (others.length > 0) throw new Error(`The compose file has "${others[0]}", and nobody reads that.`)
  return written
}

function serviceOf(
  written: Written,
  volumes: readonly string[],
  files: Readonly<Record<string, string>>,
): Service {
  const service = only(written, [
    ...['image', 'command', 'environment', 'ports', 'volumes', 'secrets', 'read_only', 'tmpfs', 'devices'],
    ...['cap_add', 'cap_drop', 'sysctls', 'restart', 'stop_grace_period'],
  ])
  const { cap_add: added = [], cap_drop: dropped = [] } = service
  if (!['no', 'always', 'on-failure', 'unless-stopped'].includes(service.restart))
    throw new Error(`"restart: ${service.restart}" is none that engines know.`)
  const secrets = (service.secrets as string[]).map((name) => [name, known(name, files[name])])
  return {
    image: service.image,
    command: service.command,
    environment: textsOf(service.environment),
    ports: service.ports.map(portOf),
    volumes: service.volumes.map((each: string) => volumeOf(each, volumes)),
    secrets: Object.fromEntries(secrets),
    isReadOnly: service.read_only ?? false,
    tmpfs: service.tmpfs ?? [],
    devices: service.devices ?? [],
    capabilities: [...(dropped.includes('ALL') ? [] : usualCapabilities), ...added].filter(
      (name) => !dropped.includes(name),
    ),
    sysctls: textsOf(service.sysctls ?? {}),
    stopWithinMs: Number(known('stop_grace_period', /^(\d+)s$/.exec(service.stop_grace_period)?.[1])) * 1_000,
  }
}

const textsOf = (values: Written): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))

function portOf(text: string): Port {
  const [, outside, inside, protocol = 'tcp'] = known(text, /^(\d+):(\d+)(?:\/(udp))?$/.exec(text))
  return { outside: Number(outside), inside: Number(inside), protocol: protocol as Port['protocol'] }
}

function volumeOf(text: string, volumes: readonly string[]): Volume {
  const [, source = '', target = '', rights] = known(text, /^([^:]+):([^:]+)(?::(ro))?$/.exec(text))
  if (!source.startsWith('.') && !volumes.includes(source))
    throw new Error(`No volume is called "${source}".`)
  return { source, target, isReadOnly: rights === 'ro' }
}

function known<T>(name: string, value: T | undefined | null): T {
  if (value === undefined || value === null) throw new Error(`"${name}" is nothing that an engine takes.`)
  return value
}
