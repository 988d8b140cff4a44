import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { cachedRoot } from './cachedRoot.mjs'

/** A machine with a clean Debian: a folder of its own, and for each command namespaces of one network. */
export class CleanRoot {
  folder = mkdtempSync(join(tmpdir(), 'pontage-root-'))
  #network = `pontpkg${process.pid}x${count++}`

  constructor() {
    execFileSync('tar', ['-xf', cachedRoot(), '-C', this.folder])
    execFileSync('ip', ['netns', 'add', this.#network])
  }

  /** Runs a line of shell as root there. */
  run(line) {
    const enter = 'mount -t proc proc "$0/proc" && exec chroot "$0" /bin/sh -c "$1"'
    const { status, stdout, stderr } = spawnSync(
      'ip',
      [
        'netns',
        'exec',
        this.#network,
        'unshare',
        '--mount',
        '--pid',
        '--fork',
        'sh',
        '-c',
        enter,
        this.folder,
        line,
      ],
      {
        encoding: 'utf8',
        env: {
          PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          HOME: '/root',
          LC_ALL: 'C.UTF-8',
          DEBIAN_FRONTEND: 'noninteractive',
        },
      },
    )
    return { code: status, stdout, stderr, said: `${stdout}${stderr}` }
  }

  /** As `run`, for what has to succeed. */
  must(line) {
    const { code, stdout, said } = this.run(line)
    if (code !== 0) throw new Error(`${line}: ended with ${code}: ${said}`)
    return stdout
  }

  /** Puts packages in and installs them. */
  install(...paths) {
    for (const path of paths) cpSync(path, join(this.folder, 'root', basename(path)))
    return this.run(`dpkg --install ${paths.map((path) => `/root/${basename(path)}`).join(' ')}`)
  }

  has(path) {
    return existsSync(join(this.folder, path))
  }

  remove() {
    spawnSync('ip', ['netns', 'delete', this.#network])
    rmSync(this.folder, { recursive: true, force: true })
  }
}

let count = 0
