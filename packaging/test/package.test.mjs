import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { imageRoles } from '../image.mjs'
import { root, version } from '../repository.mjs'
import { packages, roles } from '../roles.mjs'
import { CleanRoot } from './cleanRoot.mjs'
import { testImage } from './imageTests.mjs'

// The packages as somebody gets them: made twice, installed in a clean Debian, used, upgraded, removed.

const folder = mkdtempSync(join(tmpdir(), 'pontage-packages-'))
// The journeys go on with the first ones.
const first = join(root, 'packaging', 'dist')
const second = join(folder, 'second')
const make = (out) => {
  const words = [join(root, 'packaging', 'main.mjs'), '--out', out]
  const said = execFileSync(process.execPath, words, { encoding: 'utf8' })
  console.log(said)
  return said
}
let sizes = ''
const pathOf = (name) => join(first, readdirSync(first).find((file) => file.startsWith(`${name}_`)) ?? '')

before(() => {
  rmSync(first, { recursive: true, force: true })
  sizes = make(first)
})
after(() => rmSync(folder, { recursive: true, force: true }))

/** What TAB answers from its table is what the program itself would say, whatever shell asks. */
function completesAlike(machine, name, program) {
  const [role] = Object.entries(roles).find(([, each]) => each.program === program) ?? []
  const ask = (start, line) =>
    machine.must(`${line.shell} ${start} --get-yargs-completions ${program} ${line.words}`).split('\n').sort()
  for (const words of ['docto', "''", 'init -', "--log-level ''", "doctor ''"])
    for (const shell of ['SHELL=/bin/bash', 'SHELL=/bin/zsh']) {
      const slow = ask(`/usr/lib/${name}/node /usr/lib/${name}/${role}/main.js`, { shell, words })
      assert.deepEqual(ask(program, { shell, words }), slow, `${shell} ${words}`)
    }
}

it('makes the same bytes twice', () => {
  make(second)
  const names = readdirSync(first).sort()
  assert.deepEqual(readdirSync(second).sort(), names)
  for (const name of names)
    assert.ok(readFileSync(join(first, name)).equals(readFileSync(join(second, name))), `${name} differs`)
})

it('needs at most 60 MB beside Node for a consumer', () => {
  const [, megabytes] = /\/pontage_\S+: .* installed ([\d.]+) MB beside Node/.exec(sizes) ?? []
  assert.ok(Number(megabytes) <= 60, sizes)
})

it('makes Debian packages without errors', () => {
  const paths = packages.map(({ name }) => pathOf(name))
  const { status, stdout, stderr } = spawnSync('lintian', ['--allow-root', '--fail-on', 'error', ...paths], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, `${stdout}${stderr}`)
})

for (const { name, roles: held } of packages)
  describe(name, () => {
    /** @type {CleanRoot} */
    let machine
    const programs = held.map((role) => roles[role].program)
    before(() => {
      machine = new CleanRoot()
    })
    after(() => machine.remove())

    it('installs, and its programs run', () => {
      const { code, said } = machine.install(pathOf(name))
      assert.equal(code, 0, said)
      for (const program of programs) {
        assert.equal(machine.must(`${program} --version`).trim(), version)
        assert.match(machine.must(`${program} --help`), new RegExp(`^${program}: `))
        const { code: verdict, said: checks } = machine.run(`${program} doctor`)
        assert.equal(verdict, 1, checks)
        assert.doesNotMatch(checks, /\n\s+at /, 'a stack')
        assert.match(machine.must(`zcat /usr/share/man/man1/${program}.1.gz`), /^\.SS .*init/m)
        const typed = `bash -c '. /usr/share/bash-completion/completions/${program}; complete -p ${program}'`
        assert.match(machine.must(typed), /_yargs_completions/)
        completesAlike(machine, name, program)
        machine.must(
          `${program} init --home /root/made --password-file /etc/hostname --json && rm -r /root/made`,
        )
      }
    })

    it('keeps state, settings and what runs when it is upgraded', () => {
      machine.must(
        `for each in ${programs.join(' ')}; do mkdir -p /var/lib/$each; echo {} >/var/lib/$each/keystore.json; done`,
      )
      machine.must(`echo '# mine' >>/etc/default/${programs[0]}`)
      const node = `/usr/lib/${name}/node`
      const upgrade = [
        `${node} -e 'setInterval(() => {}, 1000)' & running=$!`,
        `dpkg --install /root/${name}_*.deb || exit 1`,
        'kill -0 $running && kill $running',
      ].join('; ')
      machine.must(upgrade)
      for (const program of programs) assert.ok(machine.has(`var/lib/${program}/keystore.json`), program)
      assert.match(machine.must(`cat /etc/default/${programs[0]}`), /# mine/)
    })

    it('restores the machine when it is removed', () => {
      if (held.includes('consumer')) {
        machine.must('nft add table inet pontage_consumer && nft list tables | grep -q pontage_consumer')
        // A lockdown as it is loaded at boot: nothing but the program could end it.
        machine.must(
          'nft add table inet pontage_lockdown && nft list table inet pontage_lockdown >/etc/pontage/lockdown.nft',
        )
      }
      machine.must(`for each in ${programs.join(' ')}; do rm /var/lib/$each/keystore.json; done`)
      const { code, said } = machine.run(`dpkg --remove ${name}`)
      assert.equal(code, 0, said)
      assert.equal(machine.must('nft list tables'), '')
      assert.ok(!machine.has('etc/pontage/lockdown.nft'))
      for (const program of programs) assert.ok(!machine.has(`usr/bin/${program}`))
      assert.ok(!machine.has(`usr/lib/${name}`))
    })

    it('keeps keys when it is purged, unless somebody says that they can go', () => {
      const keys = programs.map((program) => `var/lib/${program}/keystore.json`)
      const makeKeys = `for each in ${programs.join(' ')}; do mkdir -p /var/lib/$each; echo {} >/var/lib/$each/keystore.json; done`
      machine.must(makeKeys)
      const { code, said } = machine.run(`dpkg --purge ${name}`)
      assert.equal(code, 0, said)
      for (const key of keys) assert.ok(machine.has(key), key)
      assert.equal(said.match(/Kept, because keys with money may lie there: \/var\/lib\//g)?.length, 1, said)
      assert.ok(!machine.has(`etc/default/${programs[0]}`))
      assert.equal(machine.install(pathOf(name)).code, 0)
      machine.must(`echo '${name} ${name}/delete-keys boolean true' | debconf-set-selections`)
      machine.must(`dpkg --purge ${name}`)
      for (const key of keys) assert.ok(!machine.has(key), key)
    })
  })

it('the tarball installs with npm without a network, and its programs run', () => {
  const prefix = join(folder, 'prefix')
  const tarball = join(first, `pontage-${version}.tgz`)
  const flags = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund']
  const own = ['--prefix', prefix, '--cache', join(folder, 'empty-cache')]
  execFileSync('npm', ['install', '--global', ...flags, ...own, tarball], { encoding: 'utf8' })
  const word = join(folder, 'word')
  writeFileSync(word, 'secret', { mode: 0o600 })
  for (const { program } of Object.values(roles)) {
    const run = (...words) =>
      execFileSync(join(prefix, 'bin', program), words, { encoding: 'utf8', cwd: folder })
    assert.equal(run('--version').trim(), version)
    const made = run('init', '--home', join(folder, program), '--password-file', word, '--json')
    assert.match(JSON.parse(made).address, /^0x/)
  }
})

it('the package with all programs takes the place of the others, and keeps their state', () => {
  const machine = new CleanRoot()
  try {
    machine.install(pathOf('pontage'), pathOf('pontage-hub'))
    machine.must('mkdir -p /var/lib/pontage-hub && echo {} >/var/lib/pontage-hub/keystore.json')
    const { code, said } = machine.install(pathOf('pontage-all'))
    assert.equal(code, 0, said)
    assert.equal(machine.must('pontage-hub --version').trim(), version)
    assert.match(machine.must('cat /usr/bin/pontage'), /\/usr\/lib\/pontage-all\/node/)
    assert.ok(machine.has('var/lib/pontage-hub/keystore.json'))
    assert.ok(!machine.has('usr/lib/pontage'))
  } finally {
    machine.remove()
  }
})

for (const role of imageRoles) testImage(role, () => join(first, `${roles[role].program}-${version}.oci.tar`))
