"""Starts moto's S3 on a free port of loopback, checking signatures, with one bucket, and tells "PORT ID SECRET"."""
import os
import sys

try:
    os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"
    import boto3
    from moto.server import ThreadedMotoServer
except ImportError as error:
    sys.exit(f"skipped: {error}")

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
port = server._server.server_port
more = {"endpoint_url": f"http://127.0.0.1:{port}", "region_name": "us-east-1", "aws_access_key_id": "none",
        "aws_secret_access_key": "none"}
iam = boto3.client("iam", **more)
iam.create_user(UserName="tradewind")
key = iam.create_access_key(UserName="tradewind")["AccessKey"]
iam.put_user_policy(UserName="tradewind", PolicyName="all", PolicyDocument="""{"Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}""")
boto3.client("s3", **more).create_bucket(Bucket="tradewind")
print(port, key["AccessKeyId"], key["SecretAccessKey"], flush=True)
sys.stdin.read()  # until whoever started it is gone
