import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '@pontage/shared/node'
import type { Host } from '../world/index.js'
import { Terminal } from './terminal.js'

/** Somebody's machine: a clean Debian in a world of mounts and processes of its own, with one user who may use sudo. */
export class Machine {
  /** Of every key that is made here. */
  readonly password: string
  private readonly terminals: Terminal[] = []

  private constructor(
    readonly host: Host,
    private readonly root: string,
    /** Process that holds its namespaces. */
    private readonly holder: string,
  ) {
    this.password = `${host.name} password`
  }

  /**
   * @param archive - A clean Debian, as `packaging/test/cachedRoot.mjs` makes it.
   * @param files - What lies on it, by path; programs end with `!`.
   */
  static async open(host: Host, archive: string, files: Readonly<Record<string, string>>): Promise<Machine> {
    const root = join(host.home, 'root')
    mkdirSync(root)
    await runCommand(['tar', '--extract', '--file', archive, '--directory', root], { timeoutMs: 60_000 })
    const place = (path: string, text: string, mode: number) => {
      const at = join(root, path)
      mkdirSync(join(at, '..'), { recursive: true })
      writeFileSync(at, text)
      chmodSync(at, mode)
    }
    for (const [path, text] of Object.entries(files))
      place(path.replace(/!$/, ''), text, path.endsWith('!') ? 0o755 : 0o644)
    place('etc/hosts', `127.0.0.1 localhost ${host.name}\n`, 0o644)
    place('etc/sudoers.d/ada', 'ada ALL=(ALL) NOPASSWD: ALL\n', 0o440)
    // Where the kernel has no WireGuard.
    if (existsSync('/usr/bin/wireguard-go'))
      copyFileSync('/usr/bin/wireguard-go', join(root, 'usr', 'local', 'bin', 'wireguard-go'))
    await runCommand(['chroot', root, 'useradd', '--create-home', '--shell', '/bin/bash', 'ada'])
    const enter = [
      'mount --make-rprivate /',
      // A root of its own, as the programs find one on any machine.
      'mount --bind "$0" "$0"',
      'mount --rbind /dev "$0/dev"',
      'mount -t proc proc "$0/proc"',
      'mount -t sysfs sysfs "$0/sys"',
      'mount -t tmpfs tmpfs "$0/run"',
      `hostname ${host.name}`,
      'echo ready',
      // The first process collects what its orphans leave.
      'while :; do sleep 1; done',
    ].join(' && ')
    const flags = ['--mount', '--pid', '--uts', '--fork', '--kill-child']
    const holding = host.start(['unshare', ...flags, 'sh', '-c', enter, root])
    await holding.line(/^ready$/)
    return new Machine(host, root, holderIn(host))
  }

  /** Opens a terminal of the user's and types a line there. */
  open(line: string): Terminal {
    // Nothing stands between the terminal and the line: Ctrl-C reaches that alone.
    const login = [
      'setpriv',
      '--reuid',
      'ada',
      '--regid',
      'ada',
      '--init-groups',
      'env',
      ...['--chdir', '/home/ada', '--default-signal=INT', '--ignore-environment'],
    ]
    const shell = [...environment, 'bash', '-c', line]
    const enter = [
      // Ctrl-C is for the line alone.
      ...['env', '--ignore-signal=INT'],
      'nsenter',
      '--target',
      this.holder,
      '--mount',
      '--pid',
      '--uts',
      '--net',
      'chroot',
      this.root,
    ]
    const terminal = new Terminal(line, [...enter, ...login, ...shell].map(quoted).join(' '), this.password)
    this.terminals.push(terminal)
    return terminal
  }

  /** Puts packages where a checkout would have made them. */
  async take(folder: string): Promise<void> {
    const to = join(this.root, 'home', 'ada', 'packaging', 'dist')
    mkdirSync(to, { recursive: true })
    for (const name of readdirSync(folder)) copyFileSync(join(folder, name), join(to, name))
  }

  /** What a file says; undefined when there is none. */
  read(path: string): string | undefined {
    const at = join(this.root, path)
    return existsSync(at) ? readFileSync(at, 'utf8') : undefined
  }

  async close(): Promise<void> {
    for (const terminal of this.terminals.reverse()) await terminal.destroy()
  }
}

/** As an ordinary user has it after logging in. */
const environment = [
  ...['USER=ada', 'LOGNAME=ada', 'HOME=/home/ada', 'SHELL=/bin/bash', 'TERM=xterm', 'LANG=C.UTF-8'],
  'PATH=/usr/local/bin:/usr/bin:/bin',
]

/** The first process in a machine's own world of processes, by its number in ours. */
function holderIn(host: Host): string {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const read = (name: string) => {
      try {
        return readFileSync(join('/proc', pid, name), 'utf8')
      } catch {
        return '' // It has ended meanwhile.
      }
    }
    const isFirst = /^NSpid:.*\s1$/m.test(read('status'))
    if (isFirst && read('mountinfo').includes(join(host.home, 'root', 'proc'))) return pid
  }
  throw new Error(`${host.name} has no process that holds its namespaces.`)
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`
