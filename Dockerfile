# One image for every role: `api`, `worker`, `all`, `setup` or `rotate-key` is the container's command.
# Debian, not Alpine: Temporal's core library is built for glibc only.

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY .npmrc package.json package-lock.json ./
RUN npm ci --no-audit
COPY . .
RUN npm run build

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY .npmrc package.json package-lock.json ./
RUN npm ci --no-audit --omit=dev

FROM node:24.21.0-bookworm-slim
# Temporal's core library trusts the system's certificates; the slim image has none.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
# Loopback is inside the container: an API that listens there could not be reached.
ENV HOST=0.0.0.0
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY docs/guide-*.md docs/
# The image's user `node`, by number so that Kubernetes can tell it is not root. The files belong to
# root, so the process can't change its own code.
USER 1000:1000
EXPOSE 8080
ENTRYPOINT ["node", "dist/src/main.js"]
