/// What a machine is told to run the server with.
enum DeploymentTexts {
    /// A unit for systemd 250 and later.
    ///
    /// - Parameter program: the path of `tote` on that machine.
    static func unit(program: String) -> String {
        """
        # tote.service: put it into /etc/systemd/system, then `systemctl enable --now tote`.
        # Settings: Environment=TOTE_… below, and TOTE_CONFIG=/etc/tote.json among them for a file.
        [Unit]
        Description=Tote, the offline-first sync server
        Documentation=man:tote(1)
        After=network-online.target
        Wants=network-online.target

        [Service]
        Type=notify
        NotifyAccess=main
        ExecStart=\(program) serve
        Environment=TOTE_DATA=/var/lib/tote
        Restart=on-failure
        RestartSec=1
        # A wrong command line, file or setting stays wrong: sysexits.
        RestartPreventExitStatus=64 65 66 78
        WatchdogSec=30
        TimeoutStopSec=30
        LimitNOFILE=65536

        DynamicUser=yes
        StateDirectory=tote
        StateDirectoryMode=0700
        UMask=0077
        NoNewPrivileges=yes
        CapabilityBoundingSet=
        AmbientCapabilities=
        ProtectSystem=strict
        ProtectHome=yes
        ProtectClock=yes
        ProtectControlGroups=yes
        ProtectHostname=yes
        ProtectKernelLogs=yes
        ProtectKernelModules=yes
        ProtectKernelTunables=yes
        ProtectProc=invisible
        ProcSubset=pid
        PrivateDevices=yes
        PrivateTmp=yes
        PrivateUsers=yes
        RemoveIPC=yes
        LockPersonality=yes
        MemoryDenyWriteExecute=yes
        RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
        RestrictNamespaces=yes
        RestrictRealtime=yes
        RestrictSUIDSGID=yes
        SystemCallArchitectures=native
        SystemCallFilter=@system-service
        SystemCallFilter=~@privileged @resources
        SystemCallErrorNumber=EPERM

        [Install]
        WantedBy=multi-user.target

        """
    }

    /// Builds the program from its sources and runs it as a user without rights.
    static let containerfile = """
        # Containerfile: build it in the source tree, `podman build -t tote .`; then
        # `podman run -p 127.0.0.1:8090:8090 -v tote:/var/lib/tote tote --proxy <proxy's address>`.
        FROM docker.io/library/swift:6.3-bookworm AS build
        RUN apt-get update && apt-get install -y --no-install-recommends libsqlite3-dev pkg-config
        COPY . /src
        WORKDIR /src
        RUN swift build -c release --product tote --static-swift-stdlib

        FROM docker.io/library/debian:bookworm-slim
        RUN apt-get update && apt-get install -y --no-install-recommends libsqlite3-0 \\
            && rm -rf /var/lib/apt/lists/* \\
            && useradd --system --uid 10001 --home-dir /var/lib/tote --create-home tote
        COPY --from=build /src/.build/release/tote /usr/bin/tote
        USER 10001
        ENV TOTE_DATA=/var/lib/tote TOTE_LISTEN=0.0.0.0:8090
        VOLUME /var/lib/tote
        EXPOSE 8090
        STOPSIGNAL SIGTERM
        HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["tote", "health"]
        ENTRYPOINT ["tote", "serve"]

        """

    /// What a site for nginx is made of.
    struct Site {
        var name: String
        var port: Int
        /// Where the server listens.
        var upstream: String
        var certificate: String
        var key: String
    }

    /// A site for nginx 1.18 and later, to be included in its `http` block.
    static func nginx(_ site: Site) -> String {
        """
        # Put it into /etc/nginx/sites-enabled. The server behind it:
        # `tote serve --listen \(site.upstream) --proxy <the address that nginx connects from>`.
        upstream tote {
            server \(site.upstream);
            keepalive 64;
        }

        server {
            listen \(site.port) ssl;
            server_name \(site.name);
            ssl_certificate \(site.certificate);
            ssl_certificate_key \(site.key);
            ssl_protocols TLSv1.2 TLSv1.3;

            # What is larger the server refuses, too.
            client_max_body_size 1m;

            location / {
                proxy_pass http://tote;
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                proxy_set_header Host $host;
                proxy_set_header X-Forwarded-For $remote_addr;
                # A request may be parked for half a minute before it is answered.
                proxy_read_timeout 75s;
                # Who sends twice is the client's affair: it knows what it has sent.
                proxy_next_upstream off;
            }
        }

        """
    }
}
