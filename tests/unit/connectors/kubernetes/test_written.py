from __future__ import annotations

import re

import pytest

from xspm.connectors.kubernetes import CONNECTOR
from xspm.connectors.kubernetes.redact import redact_text
from xspm.model.asset import encode_snapshot

LANGUAGES = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: c
  annotations:
    "some.io/last-applied-configuration": '{"data":{"a":"<password>PLANTED-01</password>"}}'
    "other": 'curl -u user:PLANTED-02 https://x'
data:
  a.xml: |
    <config><user>visible-1</user><password>PLANTED-03</password></config>
  b.xml: <connectionString name="x" value="Server=a;Uid=b;pwd=PLANTED-04;">
  b2.xml: <add connectionString="Server=a;User=b;Pwd=PLANTED-05" />
  b3.xml: |
    <server><id>x</id><username>u</username>
      <password>
        PLANTED-06
      </password></server>
  b4.xml: <db:password encrypted="false">PLANTED-07</db:password>
  b5.xml: <property name="password" value="PLANTED-08"/>
  b6.xml: <property name="hibernate.connection.password">PLANTED-09</property>
  b7.xml: <name>javax.jdo.option.ConnectionPassword</name><value>PLANTED-10</value>
  b8.xml: <password><![CDATA[PLANTED-11 two PLANTED-12]]></password>
  c.sql: |
    CREATE USER 'bob'@'%' IDENTIFIED BY 'PLANTED-13';
    CREATE USER 'bob'@'%' IDENTIFIED WITH mysql_native_password BY 'PLANTED-14';
    ALTER ROLE app WITH LOGIN PASSWORD 'PLANTED-15';
    CREATE USER x WITH ENCRYPTED PASSWORD 'PLANTED-16';
    GRANT ALL ON *.* TO 'a'@'b' IDENTIFIED BY PASSWORD 'PLANTED-17';
    SET PASSWORD FOR 'bob' = 'PLANTED-18';
    SET PASSWORD FOR 'bob' = PASSWORD('PLANTED-19');
    CREATE LOGIN x WITH PASSWORD = N'PLANTED-20';
    ALTER USER scott IDENTIFIED BY PLANTED-21;
    CREATE USER MAPPING FOR a SERVER b OPTIONS (user 'x', password 'PLANTED-22');
  d.txt: |
    https://x.blob.core.windows.net/c?sv=2020&sp=r&sig=PLANTED-23%2Babc&se=visible-2
    https://b.s3.amazonaws.com/k?X-Amz-Credential=PLANTED-24/2020/us/s3&X-Amz-Signature=PLANTED-25
    https://storage.googleapis.com/x?X-Goog-Signature=PLANTED-26
    SharedAccessSignature=PLANTED-27;x
    https://x.cloudfront.net/a?Policy=x&Signature=PLANTED-28&Key-Pair-Id=visible
  e.sh: |
    redis-cli -a PLANTED-29 ping
    redis-cli --pass PLANTED-30
    mysql -u root -pPLANTED-31 db
    mysql --password=PLANTED-32
    vault login PLANTED-33
    vault login -method=userpass username=a password=PLANTED-34
    vault login token=PLANTED-35
    curl -u user:PLANTED-36 https://x
    curl --user=user:PLANTED-37 https://x
    curl -uuser:PLANTED-38 https://x
    app --admin-pw=PLANTED-39
    app --pw PLANTED-40
    app --pw=PLANTED-41
    docker login -u a -p PLANTED-42 reg
    az login --service-principal -u a -p PLANTED-43
    PGPASSWORD=PLANTED-44 psql
    ldapsearch -w PLANTED-45
    openssl enc -pass pass:PLANTED-46
    openssl rsa -passin pass:PLANTED-47
    wget --http-password=PLANTED-48
    keytool -storepass PLANTED-49 -keypass PLANTED-50
    snmpwalk -v3 -A PLANTED-51 -X PLANTED-52
    rabbitmqctl add_user u PLANTED-53
    rabbitmqctl change_password u PLANTED-54
    echo 'root:PLANTED-55' | chpasswd
    kubectl create secret generic x --from-literal=foo=PLANTED-56
    mc alias set m http://x visible PLANTED-58
    oc login -u a -p PLANTED-59
    argocd login x --username a --password PLANTED-60
    consul kv put -token PLANTED-61 a b
    htpasswd -b f u PLANTED-63
    useradd -p PLANTED-64 u
    sqlcmd -U sa -P PLANTED-65
    mongo -u a -p PLANTED-66
    redis-cli AUTH PLANTED-68
    set -x FOO_TOKEN PLANTED-70
    setenv DB_PASSWORD PLANTED-71
    ENV DB_PASSWORD PLANTED-72
    x --token "PLANTED-73"
    mysqladmin -u root password PLANTED-74
    mysqladmin -u root password 'PLANTED-75'
    pass=PLANTED-76
    pw=PLANTED-77
    ADMIN_PW=PLANTED-78
    ansible --vault-pass PLANTED-79
  nginx.conf: |
    set $token "PLANTED-80";
    set $api_key PLANTED-81;
    proxy_set_header Authorization "Bearer PLANTED-82";
    proxy_set_header X-Api-Key PLANTED-83;
    proxy_set_header X-Auth-Token "PLANTED-84";
    if ($http_x_token != "PLANTED-85") { return 403; }
    map $http_x $y { default 1; }
    add_header Set-Cookie "session=PLANTED-86";
  netrc: |
    machine x.com
      login user
      password PLANTED-87
    machine y login u password PLANTED-88
  .pgpass: |
    db.example.com:5433:app:user:PLANTED-90
    *:*:*:*:PLANTED-91
  .npmrc: |
    //registry.npmjs.org/:_authToken=PLANTED-92
    _auth = PLANTED-93
    //r.example.com/:_password="PLANTED-94"
  config.json: '{"auths":{"r.io":{"auth":"PLANTED-95","identitytoken":"PLANTED-96","password":"PLANTED-97"}}}'
  dc.json: |
    {"auths": {"r.io": {
       "auth": "PLANTED-98"}}}
  ini: |
    [db]
    pw: PLANTED-99
    passwd = PLANTED-100
  haproxy: |
    user admin insecure-password PLANTED-101
    user b password PLANTED-102
    stats auth admin:PLANTED-103
  dovecot: "user:{PLAIN}PLANTED-104:1000"
  openvpn: |
    <secret>
    PLANTED-105
    </secret>
  snmp: |
    rocommunity PLANTED-106
    createUser u SHA "PLANTED-107" AES "PLANTED-108"
  ldap: |
    bindpw PLANTED-109
    rootpw PLANTED-110
    olcRootPW: PLANTED-111
  jaas: required username="a" password="PLANTED-112";
  jdbc: jdbc:mysql://h/db?user=x&password=PLANTED-113
  wpa: psk="PLANTED-115"
  wg: "PresharedKey = PLANTED-116"
  ipsec: ': PSK "PLANTED-117"'
  php: |
    define('DB_PASSWORD', 'PLANTED-118');
    $cfg['pw'] = 'PLANTED-119';
    'password' => 'PLANTED-120',
  redis: "user default on >PLANTED-121 ~* +@all"
  tfrc: |
    credentials "app.terraform.io" { token = "PLANTED-122" }
"""

MADE = """\
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: a}
spec: {encryptedData: {foo: visible-1}, template: {metadata: {name: visible-2}, data: {cfg: "plain PLANTED-1 {{ .foo }}", url: "{{ .visible }}"}, stringData: {b: PLANTED-2}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: b}
spec: {target: {name: visible-3, template: {data: {x: PLANTED-3}}}, data: [{secretKey: x, remoteRef: {key: visible-4}}]}
---
apiVersion: external-secrets.io/v1
kind: ClusterExternalSecret
metadata: {name: b2}
spec: {externalSecretSpec: {target: {template: {data: {x: PLANTED-4}}}}}
---
apiVersion: isindir.github.com/v1alpha3
kind: SopsSecret
metadata: {name: b3}
spec: {secretTemplates: [{name: x, stringData: {x: PLANTED-5}}]}
---
apiVersion: x.io/v1
kind: Composition
metadata: {name: b4}
spec: {resources: [{base: {apiVersion: external-secrets.io/v1, kind: ExternalSecret, spec: {target: {template: {data: {x: PLANTED-6}}}}}}]}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: m
  annotations:
    objectset.rio.cattle.io/applied: H4sPLANTED-7
    x/last-applied-configuration: '{"stringData":{"a":"PLANTED-8"}}'
    y: '{"kind":"Secret","stringData":{"a":"PLANTED-9"}}'
data:
  manifest.yaml: |
    apiVersion: v1
    kind: Secret
    metadata: {name: visible-5}
    stringData:
      foo: PLANTED-10
    data:
      bar: PLANTED-11
      baz: |
        PLANTED-37
  Dockerfile: |
    CMD ["redis-cli", "-a", "PLANTED-12"]
  list.json: '["mysql","-pPLANTED-13"]'
---
apiVersion: v1
kind: Pod
metadata: {name: p, annotations: {c: "ALTER ROLE x PASSWORD 'PLANTED-14'"}}
spec:
  containers:
  - {name: a, image: x, command: [redis-cli], args: ["-a", PLANTED-15]}
  - {name: b, image: x, command: [mysql], args: ["-pPLANTED-16", "visible-6"]}
  - {name: c, image: x, command: [vault, login], args: [PLANTED-17]}
  - {name: d, image: x, command: [curl, -u, "user:PLANTED-18", "https://x"]}
  - {name: e, image: x, args: ["--admin-pw=PLANTED-19", --pw, PLANTED-20]}
  - {name: f, image: x, command: [sh, -c, "vault login PLANTED-21; redis-cli -a 'PLANTED-22' ping"]}
  - {name: g, image: x, args: ["<password>PLANTED-23</password>", "https://x/?X-Amz-Signature=PLANTED-24"]}
  - name: h
    image: x
    env:
    - {name: A, value: "<password>PLANTED-25</password>"}
    - {name: B, value: "CREATE USER a IDENTIFIED BY 'PLANTED-26'"}
    - {name: C, value: "https://x/?sig=PLANTED-27"}
    - {name: D, value: "curl -u user:PLANTED-28 x"}
    - {name: E, value: "machine h login x password PLANTED-29"}
    - {name: F, value: "//registry.npmjs.org/:_authToken=PLANTED-30"}
    - {name: G, value: '{"auths":{"x":{"auth":"PLANTED-31"}}}'}
    - {name: H, value: 'set $token "PLANTED-32";'}
    - {name: ADMIN_PW, value: PLANTED-33}
    - {name: pwd, value: PLANTED-34}
    - {name: PWD, value: /visible-7}
    - {name: I, value: "h:5432:db:u:PLANTED-35"}
    - {name: J, value: "redis-cli -a PLANTED-36"}
"""

CLEAN = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: clean}
data:
  notes.md: |
    The password field is required. Set token for the user. Use `mysql -p` and set password in the form.
    Run docker run -p 8080:80 nginx and curl -u "$USER:$PASS" https://x. mkdir -p /a/b; kubectl patch -p '{}'.
    Token expired
  nginx.conf: |
    server {
      listen 80;
      ssl_certificate_key /etc/ssl/x.key;
      proxy_cache_key $scheme$proxy_host$uri;
      proxy_set_header Host $host;
      proxy_set_header Authorization $http_authorization;
      proxy_set_header X-Auth-Token $http_x_auth_token;
      add_header X-Frame-Options DENY;
      proxy_pass http://backend:8080/@scope/x;
      proxy_pass_header Server;
      limit_req_zone $binary_remote_addr zone=one:10m rate=1r/s;
      auth_basic "Restricted";
      auth_basic_user_file /etc/nginx/.htpasswd;
      server_tokens off;
      set $auth_request_redirect $scheme;
      log_format x '$http_x_token';
      ssl_session_tickets off;
      map_hash_bucket_size 64;
    }
  redis.conf: |
    save 900 1
    maxmemory-policy allkeys-lru
    user default off
    appendonly yes
  prometheus.yml: |
    scrape_configs:
    - job_name: x
      bearer_token_file: /var/run/secrets/token
      kubernetes_sd_configs: [{role: pod}]
      relabel_configs:
      - source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape]
        action: keep
        regex: true
      - action: labelmap
        regex: __meta_(.+)
  init.sh: |
    set -euo pipefail
    export PATH=/usr/bin
    mysqladmin ping -h localhost
    mysql -h db -u root -p"$MYSQL_ROOT_PASSWORD" -e 'SELECT 1'
    mysql -h db -u root -p"${MYSQL_ROOT_PASSWORD}" -e "ALTER USER 'a' IDENTIFIED BY '${NEW}'"
    redis-cli -a "$REDIS_PASSWORD" ping
    redis-cli -h $HOST -p 6379 ping
    vault login -method=kubernetes role=app
    vault login "$VAULT_TOKEN"
    vault token lookup
    vault auth enable kubernetes
    curl -sSL -u "${U}:${P}" -o /tmp/x https://x/y
    curl -s http://localhost:9200/_cluster/health?pretty
    docker login -u "$U" -p "$P"
    psql -U postgres -c "CREATE USER app WITH PASSWORD '$PW'"
    psql -p 5432 -U app -w
    mc alias set minio http://minio:9000 "$AK" "$SK"
    mc admin config set minio region
    openssl req -new -key /x.key -out x
    openssl genrsa -out a.key 2048
    zip -r x.zip a; unzip x.zip
    http --check
    kubectl create secret generic x --from-literal=a="$A"
    kubectl create configmap x --from-literal=foo=bar
    echo "login failed" | tee x
    pwd
    PWD=/tmp
    cd $PWD
    ldapsearch -x -b dc=x -w "$PW"
    useradd -m -s /bin/bash app
    helm upgrade --install -f x.yaml
    oc login https://x --token=$TOKEN
  app.xml: |
    <config><key>sortKey</key><name>web</name><property name="tokenUrl" value="https://x"/>
    <password>${DB_PASSWORD}</password><passwordPolicy>strict</passwordPolicy><maxTokens>5</maxTokens>
    <logger name="TokenService" level="INFO"/><bean id="tokenService" class="x" value="5"/></config>
  q: https://x/?page=5&key=name&code=404&t=10
  schema.sql: |
    CREATE TABLE users (id int, password varchar(255) NOT NULL, token text);
    SELECT password FROM users WHERE name = 'x';
    ALTER TABLE users ADD COLUMN password_hash text DEFAULT '';
    INSERT INTO t (a, password) VALUES ('x', ?);
  grafana.json: '{"annotations":{"list":[{"builtIn":1}]},"panels":[{"targets":[{"expr":"sum(rate(tokens_total[5m]))"}],"title":"Tokens"}],"tags":["a"]}'
  coredns: |
    .:53 {
      errors
      health { lameduck 5s }
      kubernetes cluster.local in-addr.arpa ip6.arpa { pods insecure }
    }
  jaas: sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="${U}" password="${P}";
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - {name: a, image: x, command: [nginx, -p, /var/x], args: ["-c", "/etc/nginx.conf"]}
  - {name: b, image: x, command: [mysqld], args: ["--port=3306"]}
  - {name: c, image: x, command: [redis-server], args: ["--port", "6379"]}
  - {name: d, image: x, command: [vault], args: [server, -config=/x.hcl]}
  - {name: e, image: x, command: [mc], args: [mirror, a, b]}
  - {name: f, image: x, command: [http], args: [--port=80]}
"""


@pytest.mark.parametrize("manifest", [LANGUAGES, MADE], ids=["languages", "made"])
def test_no_secret_of_a_text_enters_a_snapshot(manifest: str) -> None:
    """XML, SQL, signed addresses, command lines, server settings, and what becomes a Secret elsewhere."""
    encoded = encode_snapshot(CONNECTOR.example("manifest", manifest)).decode()
    assert re.findall(r"PLANTED-[0-9]+", encoded) == []
    assert [shown for shown in re.findall(r"visible-[0-9]+", manifest) if shown not in encoded] == []


def test_texts_without_secrets_stay_as_they_are() -> None:
    encoded = encode_snapshot(CONNECTOR.example("manifest", CLEAN)).decode()
    assert "(redacted" not in encoded


@pytest.mark.parametrize(
    "text",
    ["<password " * 40_000, "<name>key</name><value>" * 20_000, '<a name="password" ' * 20_000, "identified by " * 40_000,
     "password '" * 40_000, "password for " * 30_000, "?sig=" * 80_000, "://a:b" * 60_000, "set a " * 60_000,
     "vault login " * 20_000, "mysql '" * 60_000, '["a",' * 60_000, "{" * 100_000, "kind: Secret\ndata:\n" * 20_000,
     "user x " * 60_000 + ">", "://" + "a1_" * 100_000, "kubectl secret --from-literal " * 20_000],
)  # fmt: skip
def test_hostile_texts_do_not_hang(text: str) -> None:
    assert redact_text(text)
