"""phoenix_createDeep as it is typed: from a target list to what phoenix -C finds."""

def test_try(site):
    done = site.call("-r", "094.D-0114B", "--yes")
    print(done.stdout, done.stderr)
    site.forget_deep()
    done = site.call("-r", "094.D-0114B", "--yes", "--json")
    print(done.stdout, done.stderr)
    import subprocess
    print(subprocess.run(["find", site.root/"ab", site.root/"qcweb/MUSE_deep"],capture_output=True,text=True).stdout)
    print((site.tmp2("NGC300")/"overview.txt").read_text())
    assert 0
