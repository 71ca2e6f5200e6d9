const { createHash } = require('node:crypto');
const path = require('node:path');
const swc = require('@swc/jest');

/**
 * Transpiles like any other transform, and replaces one text in one file by a bug. The plants come
 * from the environment, since a transformer cannot import a module.
 */
module.exports = {
  createTransformer(options) {
    const inner = swc.createTransformer(options);
    const planted = JSON.parse(process.env.ORACLE_PLANT);
    const sown = (source, file) =>
      file === path.resolve(__dirname, '../..', planted.file) ? withBug(planted, source) : source;
    return {
      ...inner,
      getCacheKey: (source, file, request) =>
        createHash('sha256')
          .update(inner.getCacheKey(sown(source, file), file, request))
          .digest('hex'),
      process: (source, file, request) => inner.process(sown(source, file), file, request),
    };
  },
};

function withBug({ name, file, text, bug }, source) {
  if (source.split(text).length !== 2)
    throw new Error(`planted bug ${name}: its text is not exactly once in ${file}`);
  return source.replace(text, () => bug);
}
