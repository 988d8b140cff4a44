export const lookup = async (host: string) => [{ address: host, family: 4 }]
export const promises = { lookup }
export default { promises, lookup }
