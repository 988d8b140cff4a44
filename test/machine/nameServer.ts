import { createSocket } from 'node:dgram'

// A name server for the stories: every name has the one IPv4 address that is given, and no other. Prints each name it is asked, and by whom.

const [, , given = ''] = process.argv
const address = given.split('.').map(Number)
const server = createSocket('udp4')
server.on('message', (question, from) => {
  if (question.length < 17) return
  const labels: string[] = []
  let at = 12
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  const end = at + 5
  const isForIpv4 = question.readUInt16BE(at + 1) === 1
  console.log(labels.join('.'), from.address)
  const header = Buffer.from(question.subarray(0, 12))
  header.writeUInt16BE(0x8180, 2)
  header.writeUInt16BE(isForIpv4 ? 1 : 0, 6)
  header.writeUInt32BE(0, 8)
  const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address])
  server.send(
    Buffer.concat([header, question.subarray(12, end), ...(isForIpv4 ? [answer] : [])]),
    from.port,
    from.address,
  )
})
server.bind(53, () => console.log('listening'))
