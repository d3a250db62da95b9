//! What is known of file systems by the numbers that Linux has for them.

/// Whether a file system lies behind a network, and whether a shared mapping of reserved space
/// behaves as the mapped log needs it.
pub(super) fn traits_of(magic: u32) -> (bool, bool) {
    const EXT4: u32 = 0xef53;
    const TMPFS: u32 = 0x0102_1994;
    const XFS: u32 = 0x5846_5342;
    const NETWORKS: [u32; 18] = [
        0x6969,      // NFS
        0x517b,      // SMB
        0xff53_4d42, // CIFS
        0xfe53_4d42, // SMB 2
        0x6573_5546, // FUSE: what is behind it cannot be told
        0x0102_1997, // 9P
        0x5346_414f, // AFS
        0x6b41_4653, // AFS, the kernel's own
        0x7375_7245, // Coda
        0x564c,      // NCP
        0x00c3_6400, // Ceph
        0x0bd0_0bd0, // Lustre
        0x0116_1970, // GFS2
        0x7461_636f, // OCFS2
        0x4750_4653, // GPFS
        0x1983_0326, // BeeGFS
        0x2003_0528, // OrangeFS
        0x786f_4256, // VirtualBox shared folders
    ];
    (NETWORKS.contains(&magic), [EXT4, TMPFS, XFS].contains(&magic))
}
