import eslint from '@eslint/js'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

const outside =
  'it belongs to the outside: take it from the interfaces of src/world, so that the simulator can give its own'

const bannedGlobals = ['setTimeout', 'setInterval', 'setImmediate', 'performance', 'fetch', 'WebSocket'].map(
  (name) => ({
    name,
    message: `${name}: ${outside}`,
  }),
)

const bannedProperties = [
  { object: 'Date', property: 'now', message: `Date.now: ${outside}` },
  { object: 'Math', property: 'random', message: `Math.random: ${outside}` },
  { object: 'process', property: 'hrtime', message: `process.hrtime: ${outside}` },
  { object: 'process', property: 'nextTick', message: `process.nextTick: ${outside}` },
]

const bannedModules = [
  'fs',
  'fs/promises',
  'net',
  'tls',
  'http',
  'https',
  'http2',
  'dgram',
  'dns',
  'worker_threads',
  'timers',
  'timers/promises',
  'child_process',
  'perf_hooks',
].map((name) => ({ name: `node:${name}`, message: `node:${name}: ${outside}` }))

export default defineConfig(
  { ignores: ['node_modules', 'dist', 'coverage', 'test/tidy/fixtures'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      'no-restricted-globals': ['error', ...bannedGlobals],
      'no-restricted-properties': ['error', ...bannedProperties],
      'no-restricted-imports': ['error', { paths: bannedModules }],
      'no-console': 'error',
      'prefer-const': 'error',
      eqeqeq: ['error', 'always'],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],

      // Numbers are what our messages and keys are made of.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowRegExp: true },
      ],
      // Arrays are indexed after their length was checked; `!` says so, and the compiler cannot know.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // A class may be a record with methods, or the one implementation of an interface.
      '@typescript-eslint/no-extraneous-class': 'off',
      // `return this.fail(...)` ends a function that returns nothing.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Collides with interfaces whose methods are handed on as functions; `this` is typed.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      // Bit fields and optional numbers are compared on purpose.
      '@typescript-eslint/no-unnecessary-boolean-literal-compare': 'off',
      '@typescript-eslint/unified-signatures': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none' }],
    },
  },
  {
    // The outside itself, and what runs around the broker instead of in it.
    files: ['src/world/node/**', 'test/**', 'bench/**', 'src/**/*.test.ts'],
    rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off', 'no-restricted-imports': 'off' },
  },
  {
    // node:test returns promises that its own runner awaits; mocks implement async interfaces without awaiting.
    files: ['**/*.test.ts', 'test/**', 'bench/**'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            {
              from: 'package',
              name: ['test', 'it', 'describe', 'suite', 'before', 'after', 'beforeEach', 'afterEach'],
              package: 'node:test',
            },
          ],
        },
      ],
      '@typescript-eslint/require-await': 'off',
      'max-lines-per-function': 'off',
      'no-console': 'off',
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        console: 'readonly',
        process: 'readonly',
        performance: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
      },
    },
  },
)
