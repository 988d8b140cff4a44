import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runCommand } from '@pontage/shared/node'
import { type Host, Program } from '../world/index.js'
import { readCompose, type Service } from './compose.js'
import { Terminal } from './terminal.js'

/** What engines keep from a container that may not administer the system (Moby, `profiles/seccomp/default.json`), as far as we use it. */
const noNamespaces = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [
    { names: ['mount', 'umount2', 'setns', 'unshare', 'pivot_root'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
  ],
}

/** An image as it was loaded: its files, and what its configuration says of every container. */
interface Image {
  readonly bundle: string
  readonly entrypoint: readonly string[]
}

/**
 * Stands for a container engine on a machine: it takes the command lines of the guide, reads the compose file, and has runc run what
 * that says, each container with a network of its own behind the machine's address.
 */
export class Engine {
  private readonly images = new Map<string, Image>()
  private readonly ends: (() => Promise<unknown>)[] = []
  /** Names of what `up` started, by service. */
  private readonly running = new Map<string, string>()
  private count = 0

  private constructor(
    private readonly host: Host,
    /** Where the compose file lies, and what belongs beside it. */
    readonly project: string,
    /** Root's: images, volumes, layers. */
    private readonly store: string,
    private readonly password: string,
  ) {}

  /** @param files - What lies beside the compose file, by path. */
  static async open(
    host: Host,
    composeFile: string,
    files: Readonly<Record<string, string>>,
    password: string,
  ): Promise<Engine> {
    const project = join(host.home, 'project')
    mkdirSync(project)
    cpSync(composeFile, join(project, 'compose.yaml'))
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(project, path, '..'), { recursive: true })
      writeFileSync(join(project, path), text)
    }
    await host.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    return new Engine(host, project, await mkdtemp(join(tmpdir(), 'pontage-engine-')), password)
  }

  /** `docker load` */
  async load(archive: string): Promise<void> {
    const layout = join(this.store, `layout${this.images.size}`)
    const bundle = join(this.store, `bundle${this.images.size}`)
    mkdirSync(layout)
    await runCommand(['tar', '--extract', '--file', archive, '--directory', layout], { timeoutMs: 60_000 })
    const json = (...path: string[]) => JSON.parse(readFileSync(join(layout, ...path), 'utf8'))
    const blob = ({ digest }: { digest: string }) => json('blobs', ...digest.split(':'))
    const [entry] = json('index.json').manifests
    const name = entry.annotations['org.opencontainers.image.ref.name']
    await runCommand(['umoci', 'unpack', '--image', `${layout}:${name}`, bundle], { timeoutMs: 120_000 })
    this.images.set(name, { bundle, entrypoint: blob(blob(entry).config).config.Entrypoint })
  }

  /** `docker compose run --rm`: at a terminal, with other words than the service has, and no port open to anybody. */
  async run(
    environment: Readonly<Record<string, string>>,
    service: string,
    words: readonly string[],
  ): Promise<Terminal> {
    const { command } = await this.container(this.serviceNamed(environment, service), words, [])
    const terminal = new Terminal(
      `${service} ${words.join(' ')}`,
      command(true).map(quoted).join(' '),
      this.password,
    )
    this.ends.push(() => terminal.destroy())
    return terminal
  }

  /** `docker compose up --detach` @returns what runs, by service. */
  async up(environment: Readonly<Record<string, string>>): Promise<Record<string, Program>> {
    const services = readCompose(join(this.project, 'compose.yaml'), environment)
    const programs: Record<string, Program> = {}
    for (const [name, service] of Object.entries(services)) {
      const { id, command } = await this.container(service, service.command, service.ports)
      const program = Program.start(`${this.host.name}: ${name}`, command(false), {
        logBase: join(this.host.home, name),
        env: process.env,
        cwd: this.project,
      })
      programs[name] = program
      this.running.set(name, id)
      this.ends.push(() => program.stop('SIGTERM', service.stopWithinMs))
    }
    return programs
  }

  /** `docker compose exec`: in the container that runs. */
  exec(service: string, words: readonly string[]): Terminal {
    const name = this.running.get(service)
    if (name === undefined) throw new Error(`service "${service}" is not running`)
    const command = [...this.runc, 'exec', '--tty', name, ...words]
    const terminal = new Terminal(words.join(' '), command.map(quoted).join(' '), this.password)
    this.ends.push(() => terminal.destroy())
    return terminal
  }

  /** Stops what runs, and takes everything away. */
  async close(): Promise<void> {
    for (const end of this.ends.reverse()) await end()
    await rm(this.store, { recursive: true, force: true })
  }

  private serviceNamed(environment: Readonly<Record<string, string>>, name: string): Service {
    const service = readCompose(join(this.project, 'compose.yaml'), environment)[name]
    if (service === undefined) throw new Error(`no such service: ${name}`)
    return service
  }

  /** Lays a container out: a root of its own over the image's, a network, and the configuration that runc takes. */
  private async container(service: Service, words: readonly string[] | undefined, ports: Service['ports']) {
    const image = this.images.get(service.image)
    if (image === undefined) throw new Error(`No image is called ${service.image}.`)
    const number = ++this.count
    const name = `pontage-${process.pid}-${number}`
    const bundle = join(this.host.home, name)
    const rootfs = join(bundle, 'rootfs')
    for (const each of ['upper', 'work', 'rootfs']) mkdirSync(join(bundle, each), { recursive: true })
    const layers = `lowerdir=${image.bundle}/rootfs,upperdir=${bundle}/upper,workdir=${bundle}/work`
    await runCommand(['mount', '-t', 'overlay', '-o', layers, 'overlay', rootfs])
    this.ends.push(() => runCommand(['umount', '--lazy', rootfs]))
    const netns = await this.network(number, ports)
    const config = JSON.parse(readFileSync(join(image.bundle, 'config.json'), 'utf8'))
    const { uid } = config.process.user
    const args = words === undefined ? config.process.args : [...image.entrypoint, ...words]
    const capabilities = uid === 0 ? service.capabilities.map((each) => `CAP_${each}`) : []
    const written = (terminal: boolean) => ({
      ...config,
      process: {
        ...config.process,
        terminal,
        args,
        env: [
          ...config.process.env,
          'TERM=xterm',
          ...Object.entries(service.environment).map(([key, value]) => `${key}=${value}`),
        ],
        capabilities: {
          bounding: service.capabilities.map((each) => `CAP_${each}`),
          effective: capabilities,
          permitted: capabilities,
        },
        noNewPrivileges: false,
      },
      root: { path: 'rootfs', readonly: service.isReadOnly },
      mounts: [...config.mounts, ...this.mounts(service, image)],
      linux: {
        ...config.linux,
        // Limits are for engines: here nobody set up what they need.
        resources: undefined,
        sysctl: service.sysctls,
        seccomp: service.capabilities.includes('SYS_ADMIN') ? undefined : noNamespaces,
        devices: service.devices.map(deviceAt),
        namespaces: config.linux.namespaces.map((each: { type: string }) =>
          each.type === 'network' ? { type: 'network', path: `/run/netns/${netns}` } : each,
        ),
      },
    })
    return {
      id: name,
      command: (terminal: boolean) => {
        writeFileSync(join(bundle, 'config.json'), JSON.stringify(written(terminal)))
        return [...this.runc, 'run', '--bundle', bundle, name]
      },
    }
  }

  private get runc(): readonly string[] {
    return ['runc', '--root', join(this.host.home, 'runc')]
  }

  private mounts({ volumes, secrets, tmpfs }: Service, { bundle }: Image): object[] {
    const bind = (source: string, destination: string, rights: 'ro' | 'rw') => ({
      ...{ type: 'bind', source, destination, options: ['rbind', rights] },
    })
    return [
      ...tmpfs.map((destination) => ({
        type: 'tmpfs',
        source: 'tmpfs',
        destination,
        options: ['mode=1777'],
      })),
      ...volumes.map(({ source, target, isReadOnly }) =>
        bind(
          source.startsWith('.') ? this.beside(source) : this.volume(source, join(bundle, 'rootfs', target)),
          target,
          isReadOnly ? 'ro' : 'rw',
        ),
      ),
      ...Object.entries(secrets).map(([name, file]) => bind(this.beside(file), `/run/secrets/${name}`, 'ro')),
    ]
  }

  private beside(path: string): string {
    const at = resolve(this.project, path)
    if (!existsSync(at)) throw new Error(`${path} is not beside the compose file.`)
    return at
  }

  /** A volume; a new one is as the image has that folder. */
  private volume(name: string, like: string): string {
    const at = join(this.store, 'volumes', name)
    if (existsSync(at)) return at
    mkdirSync(at, { recursive: true })
    // One that the image does not have is empty, and root's.
    if (!existsSync(like)) return at
    const { uid, gid, mode } = statSync(like)
    chownSync(at, uid, gid)
    chmodSync(at, mode)
    for (const each of readdirSync(like)) cpSync(join(like, each), join(at, each), { recursive: true })
    return at
  }

  /** A network of two, the container and the machine, which hands on what comes in at a published port. */
  private async network(number: number, ports: Service['ports']): Promise<string> {
    const netns = `${this.host.netns}c${number}`
    const [link, near, far] = [`cont${number}`, `172.20.${number}.1`, `172.20.${number}.2`]
    await runCommand(['ip', 'netns', 'add', netns])
    this.ends.push(() => runCommand(['ip', 'netns', 'delete', netns]))
    const ip = (netns: string, ...words: string[]) => runCommand(['ip', '-netns', netns, ...words])
    await ip(this.host.netns, 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns)
    await ip(this.host.netns, 'address', 'add', `${near}/24`, 'dev', link)
    await ip(this.host.netns, 'link', 'set', link, 'up')
    await ip(netns, 'address', 'add', `${far}/24`, 'dev', 'eth0')
    for (const each of ['lo', 'eth0']) await ip(netns, 'link', 'set', each, 'up')
    await ip(netns, 'route', 'add', 'default', 'via', near)
    const published = ports.map(
      ({ protocol, outside, inside }) =>
        `fib daddr type local ${protocol} dport ${outside} dnat to ${far}:${inside}`,
    )
    await this.host.firewall(`table ip engine${number} {
      chain published { type nat hook prerouting priority dstnat
        ${published.join('\n')}
      }
      chain out { type nat hook postrouting priority srcnat
        ip saddr ${far} masquerade
      }
    }`)
    return netns
  }
}

function deviceAt(path: string): object {
  const { rdev } = lstatSync(path)
  return { path, type: 'c', major: rdev >> 8, minor: rdev & 0xff, fileMode: 0o666, uid: 0, gid: 0 }
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`
