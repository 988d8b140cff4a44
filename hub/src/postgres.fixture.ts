import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { accessSync, chownSync, constants, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

/** A PostgreSQL server of its own: own data, own socket, own user. No port, no network. */
export interface TestPostgres {
  /** Where its data lies. */
  readonly folder: string
  /** Makes an empty database. @returns its URL */
  database(): Promise<string>
  /** Ends the server as a power cut would. Its data stays. */
  crash(): Promise<void>
  /** Ends it in order. Its data stays. */
  end(): Promise<void>
  /** Starts it again on the same data and socket. */
  restart(): Promise<void>
  /** Keeps a copy of its data, while it is not running. */
  keepCopy(): Promise<void>
  /** Puts that copy back, while it is not running. */
  putBack(): Promise<void>
  /** The URL of the database made last. */
  url(): string
  /** Lets a stand-by take over. */
  promote(): Promise<void>
  /** From now on a commit is answered once a stand-by has it on its disk, too. */
  waitForStandby(): Promise<void>
  /** Ends it and removes everything. */
  stop(): Promise<void>
}

/** Whole server binaries are not in the PATH everywhere: Debian and Red Hat keep each version in a folder. */
const installed = ['/usr/lib/postgresql', '/usr/lib64/postgresql', '/opt/postgresql']
const startTimeoutMs = 60_000

/**
 * Starts a server that the kernel ends with this process, however that ends; its data goes with it.
 *
 * @param settings - Server settings beside those a server has anyway, such as `{ fsync: 'off' }`.
 * @param primary - Folder of the socket of a server that this one is to be the stand-by of.
 */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
  primary?: string,
): Promise<TestPostgres> {
  const programs = findPrograms()
  const user = await ownUser()
  // Short: the path of a socket may have 107 bytes.
  const folder = mkdtempSync(join(tmpdir(), 'pontage-pg-'))
  if (user) chownSync(folder, user.uid, user.gid)
  const cleaner = removeWithThisProcess(folder)
  const data = join(folder, 'data')
  let server: ChildProcess | undefined
  let logged = ''
  let last = ''
  const kept = join(folder, 'kept')
  // With owners and modes, which the server insists on.
  const copy = async (from: string, to: string): Promise<void> => {
    await promisify(execFile)('cp', ['-a', from, to])
  }

  const admin = urlOf(folder, 'postgres')
  const start = async (): Promise<void> => {
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const [command, args] = as(user, [
      ...[join(programs, 'postgres'), '-D', data, '-k', folder],
      ...['-c', 'listen_addresses=', '-c', 'logging_collector=off', '-c', 'max_connections=200', ...flags],
    ])
    const started = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder })
    server = started
    started.stderr.on('data', (text) => {
      logged = `${logged}${text}`.slice(-4_000)
    })
    const giveUpAt = Date.now() + startTimeoutMs
    while (!(await answers(admin))) {
      if (started.exitCode !== null || Date.now() > giveUpAt)
        throw new Error(`PostgreSQL does not start in ${folder}: ${logged}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = server
    server = undefined
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    const gone = new Promise((resolve) => ending.once('exit', resolve))
    ending.kill(signal)
    await gone
  }
  const stop = async (): Promise<void> => {
    await end('SIGINT')
    const gone = new Promise((resolve) => cleaner.once('exit', resolve))
    cleaner.stdin?.end()
    await gone
  }

  try {
    const asNew = [
      ...[join(programs, 'initdb'), '-D', data, '-U', 'pontage', '-A', 'trust'],
      ...['-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'],
    ]
    const asStandby = [
      ...[join(programs, 'pg_basebackup'), '-D', data, '-U', 'pontage', '-h', `${primary}`],
      ...['--write-recovery-conf', '--checkpoint=fast', '--no-sync'],
    ]
    const [command, args] = as(user, primary === undefined ? asNew : asStandby)
    await promisify(execFile)(command, args, { cwd: folder })
    await start()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    folder,
    async database() {
      const name = `test_${randomBytes(6).toString('hex')}`
      await once(admin, `CREATE DATABASE ${name}`)
      last = urlOf(folder, name)
      return last
    },
    crash: () => end('SIGQUIT'),
    end: () => end('SIGINT'),
    restart: start,
    keepCopy: () => copy(data, kept),
    putBack: async () => {
      await rm(data, { recursive: true })
      await copy(kept, data)
    },
    url: () => last,
    promote: () => once(admin, 'SELECT pg_promote()'),
    async waitForStandby() {
      await once(admin, "ALTER SYSTEM SET synchronous_standby_names = '*'")
      await once(admin, 'SELECT pg_reload_conf()')
    },
    stop,
  }
}

/** A database of the server whose socket lies in this folder. */
export const urlOf = (folder: string, database: string): string =>
  `postgres://pontage@/${database}?host=${encodeURIComponent(folder)}`

async function once(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined) // What matters is how the statement ends.
  try {
    await client.connect()
    await client.query(statement)
  } finally {
    await client.end().catch(() => undefined)
  }
}

const answers = (url: string): Promise<boolean> =>
  once(url, 'SELECT 1').then(
    () => true,
    () => false,
  )

/** The folder with the programs of the newest server there is. */
function findPrograms(): string {
  const versioned = installed.flatMap((folder) => {
    try {
      return readdirSync(folder)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(folder, version, 'bin'))
    } catch {
      return []
    }
  })
  const found = [...(process.env.PATH ?? '').split(delimiter), ...versioned].find((folder) =>
    ['postgres', 'initdb', 'pg_basebackup'].every((program) => canRun(join(folder, program))),
  )
  if (found === undefined)
    throw new Error('No PostgreSQL server is installed here. Run npm run setup, which installs it.')
  return found
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

interface User {
  readonly uid: number
  readonly gid: number
}

/** Whom the server runs as: PostgreSQL refuses root. Undefined: as whoever runs this. */
async function ownUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const account = accounts.find((fields) => fields[0] === name)
    if (account) return { uid: Number(account[2]), gid: Number(account[3]) }
  }
  throw new Error('PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody here.')
}

/** The command as that user; the kernel ends it when this process ends. */
function as(user: User | undefined, command: readonly string[]): [string, string[]] {
  const identity = user ? ['--reuid', `${user.uid}`, '--regid', `${user.gid}`, '--clear-groups'] : []
  return ['setpriv', [...identity, '--pdeathsig', 'QUIT', ...command]]
}

/** Removes a folder when its input ends: when told so, or when this process ends in whatever way. */
function removeWithThisProcess(folder: string): ChildProcess {
  const script = 'cat >/dev/null; until rm -rf "$1"; do sleep 0.2; done'
  return spawn('sh', ['-c', script, 'cleaner', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // Ctrl-C in a terminal ends the group of this process: the cleaner must outlive it.
    cwd: '/',
  })
}
